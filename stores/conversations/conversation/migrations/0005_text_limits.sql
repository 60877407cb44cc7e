-- The limits of the records' headers (TextLimits), for what writes past the library.
--
-- NOT VALID: rows that are there are not looked at, so the lock of the table is held for a moment
-- only, and a table with longer rows can be upgraded. Those can be read and removed as before; a
-- change of one is refused until the text is shortened. ALTER TABLE … VALIDATE CONSTRAINT looks at
-- the rows, without keeping writers away; it changes nothing for the library.

ALTER TABLE conversations
  ADD CONSTRAINT conversations_trace_id_length
    CHECK (octet_length(trace_id) <= 1000) NOT VALID,
  ADD CONSTRAINT conversations_root_span_name_length
    CHECK (octet_length(root_span_name) <= 1000) NOT VALID,
  ADD CONSTRAINT conversations_root_span_id_length
    CHECK (octet_length(root_span_id) <= 1000) NOT VALID,
  ADD CONSTRAINT conversations_authorization_spec_length
    CHECK (octet_length(authorization_spec::text) <= 65536) NOT VALID,
  ADD CONSTRAINT conversations_persona_id_length
    CHECK (octet_length(persona_id) <= 1000) NOT VALID,
  ADD CONSTRAINT conversations_jurisdictions_length
    CHECK (octet_length(jurisdictions::text) <= 65536) NOT VALID,
  ADD CONSTRAINT conversations_title_length
    CHECK (octet_length(title) <= 1000) NOT VALID;

ALTER TABLE conversation_paths
  ADD CONSTRAINT conversation_paths_name_length
    CHECK (octet_length(name) <= 1000) NOT VALID,
  ADD CONSTRAINT conversation_paths_description_length
    CHECK (octet_length(description) <= 16384) NOT VALID;

ALTER TABLE messages
  ADD CONSTRAINT messages_content_length
    CHECK (octet_length(content) <= 1048576) NOT VALID,
  ADD CONSTRAINT messages_metadata_length
    CHECK (octet_length(metadata::text) <= 65536) NOT VALID,
  ADD CONSTRAINT messages_trace_id_length
    CHECK (octet_length(trace_id) <= 1000) NOT VALID,
  ADD CONSTRAINT messages_root_span_name_length
    CHECK (octet_length(root_span_name) <= 1000) NOT VALID,
  ADD CONSTRAINT messages_root_span_id_length
    CHECK (octet_length(root_span_id) <= 1000) NOT VALID,
  ADD CONSTRAINT messages_branched_to_paths_length
    CHECK (octet_length(branched_to_paths::text) <= 65536) NOT VALID;

ALTER TABLE conversation_contexts
  ADD CONSTRAINT conversation_contexts_active_node_ids_length
    CHECK (octet_length(active_node_ids::text) <= 1048576) NOT VALID,
  ADD CONSTRAINT conversation_contexts_trace_id_length
    CHECK (octet_length(trace_id) <= 1000) NOT VALID,
  ADD CONSTRAINT conversation_contexts_root_span_name_length
    CHECK (octet_length(root_span_name) <= 1000) NOT VALID,
  ADD CONSTRAINT conversation_contexts_root_span_id_length
    CHECK (octet_length(root_span_id) <= 1000) NOT VALID;

ALTER TABLE execution_contexts
  ADD CONSTRAINT execution_contexts_sandbox_id_length
    CHECK (octet_length(sandbox_id) <= 1000) NOT VALID,
  ADD CONSTRAINT execution_contexts_error_message_length
    CHECK (octet_length(error_message) <= 65536) NOT VALID,
  ADD CONSTRAINT execution_contexts_resource_usage_length
    CHECK (octet_length(resource_usage::text) <= 65536) NOT VALID;
