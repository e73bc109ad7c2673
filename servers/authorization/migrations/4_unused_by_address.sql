-- How many clients each address has that were never used: whoever has the most makes room for others, and is found without reading all.
DROP INDEX IF EXISTS clients_by_address;
CREATE INDEX IF NOT EXISTS unused_by_address ON clients (address) WHERE used IS NULL;
