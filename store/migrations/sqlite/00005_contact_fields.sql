-- +goose Up
-- The values of custom fields, a JSON object.
ALTER TABLE contacts ADD COLUMN fields TEXT;
