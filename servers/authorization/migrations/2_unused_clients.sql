-- When there are as many clients as may be, the oldest that was never used makes room: it is found without reading all of them.
CREATE INDEX unused_clients ON clients (created) WHERE used IS NULL;
