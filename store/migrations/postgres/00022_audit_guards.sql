-- +goose Up
-- What guards the audit log further (step 20). Whoever writes into purges deletes nothing but what is old enough to go with age: a day is
-- the least that is kept, and an hour of it is left to clocks that differ. An id begins with its time.
-- +goose StatementBegin
CREATE FUNCTION events_kept_for_a_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    milliseconds bigint := floor(extract(epoch FROM clock_timestamp() - interval '23 hours') * 1000);
BEGIN
    IF OLD.id >= lpad(to_hex(milliseconds >> 16), 8, '0') || '-' || lpad(to_hex(milliseconds & 65535), 4, '0') THEN
        RAISE EXCEPTION 'the audit log cannot be deleted before it is a day old';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
-- contract since 0.1.0: no version deletes what is younger.
CREATE TRIGGER events_kept_for_a_day BEFORE DELETE ON events FOR EACH ROW WHEN (OLD.actor_type <> 'directory') EXECUTE FUNCTION events_kept_for_a_day();
