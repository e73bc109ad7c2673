-- Who has many clients makes room for others: of those that were never used, the net with the most of them; of the others, the person
-- who has allowed the most, and the clients are his whom he was the first to allow.
ALTER TABLE clients ADD COLUMN net TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN person TEXT;
CREATE INDEX grants_of_client ON grants (client);
UPDATE clients SET net = address;
UPDATE clients SET person = (SELECT person FROM grants WHERE client = clients.id LIMIT 1) WHERE used IS NOT NULL;
CREATE INDEX unused_by_net ON clients (net) WHERE used IS NULL;
CREATE INDEX clients_by_person ON clients (person) WHERE person IS NOT NULL;
