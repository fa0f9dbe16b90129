-- The lists of keys bound to organizations, and `organization_id=`: each organization's living records in the order
-- of the list, so that a page costs the same however much others hold. Records of no organization have no entry.
CREATE INDEX records_by_organization ON records (connection_id, kind, organization_id, updated_at, id)
WHERE deleted_at IS NULL AND organization_id IS NOT NULL;
