package scim

import "rollcall/desk"

// listGroups answers with no groups: Entra and JumpCloud look for some even where groups are off.
func (req *request) listGroups() error {
	var none page
	if !req.query.byCursor {
		none.startIndex = req.query.startIndex
	}
	return req.writePage(none, projection{})
}

// searchGroups handles POST /Groups/.search.
func (req *request) searchGroups() (err error) {
	if req.query, err = req.searchQuery(); err != nil {
		return err
	}
	return req.listGroups()
}

// getGroup finds none.
func (req *request) getGroup() error {
	return desk.Errorf(desk.NotFound, "", "no group with this id; groups are not offered")
}

// noGroups refuses to write groups.
func noGroups(*request) error {
	return desk.Errorf(desk.NotImplemented, "", "groups are not offered; turn the provisioning of groups off in the directory")
}
