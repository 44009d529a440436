-- +goose Up
-- A tenant's custom fields, a JSON list: few, and read with every request of a directory.
ALTER TABLE tenants ADD COLUMN fields text;
