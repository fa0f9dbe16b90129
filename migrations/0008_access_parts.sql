-- Entries of the access log take a tenth of the room: what many have in common is said once, for a part of a row. Those
-- from before become parts of their own; a number is put behind their ids.
UPDATE access_log SET entries = (
  SELECT json_group_array(json_object(
    'origin', substr(value ->> 'id', 15), 'first', 0, 'since', value ->> 'at', 'key', value ->> 'keyId',
    'action', value ->> 'action', 'status', value ->> 'status', 'kind', value ->> 'kind',
    'entries', json_array(json_array(0, value ->> 'recordId', value ->> 'records'))))
  FROM json_each(access_log.entries));
