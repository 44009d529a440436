-- +goose Up
-- How many domains have been done, of those that waited.
ALTER TABLE rescan_progress ADD COLUMN domains INTEGER NOT NULL DEFAULT 0;
