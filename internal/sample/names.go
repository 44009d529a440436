package sample

import "strings"

// regions are given and family names that go together.
var regions = []struct{ given, family []string }{
	{
		words("Ama Kofi Kwame Akosua Yaw Abena Kwesi Adwoa Esi Kojo Efua Nana Chinedu Ngozi Ifeoma Emeka Amara Tunde Folake Zainab Musa Aisha"),
		words("Mensah Owusu Boateng Asante Osei Appiah Agyeman Darko Okafor Adeyemi Nwosu Balogun Eze Okonkwo Bello Abubakar Danjuma Ogunleye Amoah Quaye"),
	},
	{
		words("Anna Lukas Hannah Jonas Lea Felix Mia Paul Jürgen Katja Sabine Matthias Björn Käthe Sören Heike Dieter Ursula Tobias Franziska Stefan Greta"),
		words("Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Krüger Groß"),
	},
	{
		words("María José Carmen Antonio Lucía Javier Sofía Diego Valentina Mateo Camila Andrés Renata Joaquín Ximena Íñigo Begoña Álvaro Inés Martín Paula Hugo"),
		words("García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Díaz Ruiz Hernández Jiménez Álvarez Moreno Muñoz Romero Torres Vargas Núñez Castillo Ortiz"),
	},
	{
		words("Aarav Priya Vikram Ananya Rohan Deepa Arjun Kavya Sanjay Meera Rahul Lakshmi Karthik Divya Nikhil Pooja Suresh Sunita Amit Neha Harsh Isha"),
		words("Sharma Patel Singh Kumar Gupta Reddy Iyer Nair Mehta Joshi Das Banerjee Chatterjee Rao Pillai Desai Kapoor Malhotra Bhat Menon Chaudhary Verma"),
	},
	{
		words("Olivia Jack Emily Harry Charlotte James Grace William Sophie Thomas Megan Daniel Lauren Matthew Hannah Christopher Rachel Michael Jessica Andrew Siobhán Liam"),
		words("Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall O'Brien Murphy Kelly Clarke Bennett"),
	},
	{
		words("Haruto Yui Sota Aoi Ren Sakura Kenji Yuko Hiroshi Naomi Takumi Akiko Daiki Emi Minjun Seoyeon Jihoon Minseo Wei Li Na Jing"),
		words("Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Kim Lee Park Choi Jung Wang Zhang Chen Liu Yang Huang Zhao"),
	},
	{
		words("Camille Louis Chloé Gabriel Manon Jules Élise Hugo Léa Arthur Inès Raphaël Zoé Théo Margaux Étienne Aurélie Benoît Céline François Noémie Rémi"),
		words("Martin Bernard Dubois Thomas Robert Petit Durand Leroy Moreau Laurent Lefebvre Girard Fournier Mercier Dupont Lambert Bonnet François Rousseau Gauthier Lemaître Bérard"),
	},
	{
		words("Paweł Agnieszka Piotr Zofia Tomáš Eliška Jakub Věra Dmitri Olga Ivan Natalia Mihai Elena Bogdan Ioana Miloš Jelena Krzysztof Łucja Ondřej Šárka"),
		words("Nowak Kowalski Wiśniewski Wójcik Novák Svoboda Dvořák Černý Ivanov Petrov Sokolov Popescu Ionescu Dumitru Jovanović Petrović Horváth Nagy Szabó Kovács Lewandowski Procházka"),
	},
	{
		words("Fatima Ahmed Layla Omar Yusuf Mariam Khalid Noor Hassan Salma Ibrahim Zahra Elif Mehmet Ayşe Emre Zeynep Burak Leila Reza Shirin Cem"),
		words("Hassan Ali Ibrahim Khan Mahmoud Saleh Haddad Nasser Mansour Khoury Yılmaz Kaya Demir Çelik Şahin Öztürk Hosseini Ahmadi Rahimi Farah Aydın Doğan"),
	},
}

var (
	titles = []string{
		"Account Manager", "Software Engineer", "Senior Engineer", "Team Lead", "Financial Analyst", "HR Partner", "Office Manager", "Sales Executive",
		"Warehouse Operator", "Project Manager", "Data Analyst", "Nurse", "Field Technician", "Legal Counsel", "Procurement Specialist", "Product Designer",
		"Customer Success Manager", "Accountant", "Driver", "Marketing Manager", "Research Scientist", "Head of Operations", "Support Engineer", "Executive Assistant",
	}
	departments = words("Sales Engineering Finance Legal Operations Support Research Procurement Marketing Logistics People IT")
	streets     = []string{"Harbour Street", "Station Road", "High Street", "Mill Lane", "Independence Avenue", "Ring Road", "Market Square", "Church Street", "Park Avenue", "Liberty Road"}
	cities      = []struct{ name, country, dial, language string }{
		{"Accra", "GH", "+233 30", "en-GB"}, {"Lagos", "NG", "+234 1", "en-GB"}, {"Berlin", "DE", "+49 30", "de-DE"}, {"Zürich", "CH", "+41 44", "de-CH"}, {"Madrid", "ES", "+34 91", "es-ES"},
		{"Bogotá", "CO", "+57 1", "es-CO"}, {"Pune", "IN", "+91 20", "en-IN"}, {"London", "GB", "+44 20", "en-GB"}, {"Dublin", "IE", "+353 1", "en-IE"}, {"Osaka", "JP", "+81 6", "ja-JP"},
		{"Lyon", "FR", "+33 4", "fr-FR"}, {"Kraków", "PL", "+48 12", "pl-PL"}, {"Istanbul", "TR", "+90 212", "tr-TR"}, {"Austin", "US", "+1 512", "en-US"}, {"Toronto", "CA", "+1 416", "en-CA"},
	}
	firstWords = words("Bright Silver North Blue Cedar Harbor Summit Maple Iron Golden Clear River Oak Stone Crystal Evergreen Falcon Granite Atlas Meridian Pioneer Sterling Coastal Lantern " +
		"Copper Juniper Prairie Willow Beacon Cobalt Amber Canyon Delta Ember Frontier Horizon Keystone Lakeside Orchard Quartz Redwood Sierra Timber Union Valley Westbrook Alder Birch")
	secondWords = words("water field wood bridge gate point ridge haven crest mark line path works land stone port way light brook dale")
	trades      = words("Logistics Health Foods Systems Energy Partners Textiles Insurance Media Robotics Consulting Pharma Motors Labs Networks Retail Travel Education Security Shipping")
	subjects    = []string{
		"Cannot sign in since this morning", "Invoice shows the wrong address", "Please reset my second factor", "The printer on floor 3 is offline", "How do I export my reports?",
		"Refund for order was not received", "App crashes when I upload a photo", "Change of delivery date", "Access to the shared mailbox", "Question about my contract",
	}
	privateDomains = []string{"mailbox.example", "postkasten.example", "quickmail.example"}
)

func words(s string) []string { return strings.Fields(s) }
