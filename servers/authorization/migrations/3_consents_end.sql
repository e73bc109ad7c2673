-- What was allowed under another stamp of the person is asked anew.
ALTER TABLE consents ADD COLUMN stamp TEXT NOT NULL DEFAULT '';
