-- +goose Up
-- How many requests of a streak came with a token of the helpdesk. Of the others anybody may have sent each.
ALTER TABLE denials ADD COLUMN known bigint NOT NULL DEFAULT 0;
