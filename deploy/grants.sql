-- Who may do what: role × table × columns, the one list. Run after every migration; running it again changes nothing.
-- The service roles own nothing, so row-level security holds for them; FORCE makes it hold for a plain owner as well.

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['huifang_api', 'huifang_scheduler', 'huifang_notifier'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', name);
        END IF;
    END LOOP;
END $$;

-- Tables of a store (`store_id` in the primary key) are walled by row-level security.
DO $$
DECLARE t text;
BEGIN
    FOR t IN
        SELECT c.relname FROM pg_class c
        JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = 'store_id'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('DROP POLICY IF EXISTS of_the_store ON %I', t);
        EXECUTE format('DROP POLICY IF EXISTS all_stores ON %I', t);
        EXECUTE format('DROP POLICY IF EXISTS owner ON %I', t);
        EXECUTE format(
            'CREATE POLICY of_the_store ON %I TO huifang_api USING (store_id = nullif(current_setting(''app.store'', true), '''')::uuid)', t);
        EXECUTE format('CREATE POLICY all_stores ON %I TO huifang_scheduler, huifang_notifier USING (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO %I USING (true)', t, current_user);
    END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, huifang_api, huifang_scheduler, huifang_notifier;
GRANT USAGE ON SCHEMA public TO huifang_api, huifang_scheduler, huifang_notifier;

-- api: owns customers and visits and everything about them.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO huifang_api;
REVOKE SELECT ON alembic_version FROM huifang_api;
GRANT SELECT ON alembic_version TO huifang_api, huifang_scheduler, huifang_notifier;
GRANT INSERT, UPDATE ON
    stores, store_days, accounts, account_stores, staff, staff_absences, refresh_tokens, sign_in_failures, api_keys,
    customers, contact_points, consents, opt_outs, numbers,
    vehicles, mileage_readings, sales, insurance_policies, work_orders, leads,
    programmes, visits, tasks, message_templates, hook_tokens, imports, heartbeats,
    accidents, warranty_items, complaints, problems, appointments, vouchers, campaigns, campaign_members, quality_flags,
    customer_merges, handovers, store_scripts
    TO huifang_api;
GRANT INSERT, UPDATE, DELETE ON idempotency_keys TO huifang_api;
GRANT INSERT, DELETE ON import_files, import_problems TO huifang_api;
GRANT DELETE ON store_days, staff_absences, contact_points, mileage_readings, message_templates, sign_in_failures TO huifang_api;
GRANT INSERT ON attempts, visit_events, visit_wakes, due_contact_events, visit_signals, message_orders, callbacks, audit_log, public_tokens,
    complaint_events, lead_movements, frozen_reports, staff_notices TO huifang_api;
GRANT DELETE ON warranty_items, store_scripts, campaign_members TO huifang_api;
GRANT UPDATE (withdrawn_at) ON attempts TO huifang_api;
GRANT UPDATE (answered_at, channel, score, answers, comment, wants_call) ON surveys TO huifang_api;
GRANT INSERT, UPDATE ON business_clock TO huifang_api;

-- scheduler: turns time into due-contact events; sees no address, no text of a message, no secret.
GRANT SELECT ON
    stores, store_days, staff_absences, customers, consents, opt_outs, numbers, vehicles, mileage_readings, sales,
    insurance_policies, leads, programmes, visits, visit_wakes, attempts, visit_events, due_contact_events, visit_signals, tasks, surveys,
    scheduled_jobs, heartbeats, business_clock, callbacks,
    accidents, warranty_items, lead_movements, complaint_events, problems, appointments, vouchers, campaigns, campaign_members,
    quality_flags, frozen_reports, staff_notices, handovers
    TO huifang_scheduler;
GRANT SELECT (store_id, id, number, customer_id, vehicle_id, visit_id, work_order_id, kind, category, severity, crisis, crisis_reasons,
    crisis_checklist, source, department, state, owner_id, level, valid, cause, solution, result, summary, measure, compensation_fen,
    opened_at, round_at, respond_by, handle_by, tell_by, late_reason, late_approved_by, responded_at, handled_at, told_at, resolved_at,
    confirmed_at, closed_at, sign_off_by, signed_off_at, signed_off_by, regional_at, paused_at, pauses, warned, reopened, wake_at,
    created_at, updated_at, version) ON complaints TO huifang_scheduler;
GRANT INSERT ON complaints, complaint_events, lead_movements, vouchers, campaign_members, quality_flags, frozen_reports, staff_notices,
    handovers TO huifang_scheduler;
-- The customer's word by SMS closes a complaint or starts its loop again.
GRANT UPDATE (state, level, owner_id, round_at, respond_by, handle_by, tell_by, responded_at, handled_at, told_at, resolved_at,
    confirmed_at, closed_at, pauses, warned, reopened, wake_at, updated_at, version) ON complaints TO huifang_scheduler;
GRANT UPDATE (state, state_reason, arrived_at, closed_at, updated_at, version) ON appointments TO huifang_scheduler;
GRANT UPDATE (warned_at, updated_at, version) ON problems TO huifang_scheduler;
GRANT UPDATE (level, next_on, state, updated_at, version) ON leads TO huifang_scheduler;
GRANT UPDATE (insurance_specialist_id, renewal_specialist_id, renewal_moved_on, updated_at, version) ON sales TO huifang_scheduler;
GRANT UPDATE (expected_on, updated_at, version) ON warranty_items TO huifang_scheduler;
GRANT UPDATE (state, updated_at, version) ON campaigns TO huifang_scheduler;
GRANT UPDATE (state, reason, on_day) ON campaign_members TO huifang_scheduler;
GRANT UPDATE (undone_at) ON handovers TO huifang_scheduler;
GRANT UPDATE (lifecycle, holder_id, flags, updated_at, version) ON customers TO huifang_scheduler;
GRANT SELECT (store_id, id, account_id, name, ordinal, roles, active, capacity) ON staff TO huifang_scheduler;
GRANT SELECT (store_id, id, customer_id, kind, rank, label, value_index, textable, wrong_at, wrong_reason, created_at)
    ON contact_points TO huifang_scheduler;
GRANT SELECT (store_id, id, customer_id, vehicle_id, number, kind, opened_at, closed_at, advisor_id, technician_id, fee_fen,
    mileage_km, contact_name, contact_phone_index, first_service, created_at) ON work_orders TO huifang_scheduler;
GRANT SELECT (store_id, id, visit_id, event_id, customer_id, kind, purpose, channel, step_no, template, contact_point_id, number_index,
    state, reason, tries, fence, lease_until, wake_at, created_at, sent_at, delivered_at, unknown_since, updated_at)
    ON messages TO huifang_scheduler;
REVOKE SELECT ON callbacks FROM huifang_scheduler;
GRANT SELECT (id, kind, received_at, handled_at, outcome) ON callbacks TO huifang_scheduler;
GRANT INSERT, UPDATE ON visits, scheduled_jobs, heartbeats TO huifang_scheduler;
GRANT INSERT, UPDATE, DELETE ON visit_wakes TO huifang_scheduler;
GRANT INSERT ON visit_events, due_contact_events, tasks, audit_log, business_clock TO huifang_scheduler;
GRANT SELECT (expires_at), DELETE ON idempotency_keys TO huifang_scheduler;
GRANT UPDATE (rung_at) ON due_contact_events TO huifang_scheduler;
GRANT UPDATE (handled_at) ON visit_signals TO huifang_scheduler;
GRANT UPDATE (next_maintenance_on) ON vehicles TO huifang_scheduler;

-- notifier: the outside world; sole writer of messages and what came of them.
GRANT SELECT ON
    stores, store_days, staff_absences, customers, contact_points, consents, opt_outs, numbers, number_sends, vehicles, sales,
    work_orders, insurance_policies, programmes, visits, attempts, visit_events, due_contact_events, visit_signals, tasks,
    messages, message_attempts, message_orders, receipts, replies, surveys, message_templates, hook_tokens, callbacks,
    public_tokens, heartbeats, business_clock, vouchers, campaigns, campaign_members, appointments, accidents, staff_notices,
    frozen_reports
    TO huifang_notifier;
GRANT SELECT (store_id, id, number, customer_id, vehicle_id, visit_id, kind, category, crisis, state, owner_id, level, opened_at, respond_by,
    handle_by, told_at, closed_at) ON complaints TO huifang_notifier;
GRANT INSERT ON complaints, complaint_events TO huifang_notifier;
GRANT UPDATE (state, tries, wake_at, lease_until, reason, sent_at) ON staff_notices TO huifang_notifier;
GRANT SELECT (store_id, id, account_id, name, ordinal, roles, phone, email, active, capacity) ON staff TO huifang_notifier;
GRANT INSERT, UPDATE ON messages, message_attempts, receipts, replies, opt_outs, numbers, heartbeats, public_tokens TO huifang_notifier;
GRANT INSERT, DELETE ON number_sends TO huifang_notifier;
GRANT INSERT ON surveys, visit_signals, visit_events, tasks, audit_log, business_clock TO huifang_notifier;
GRANT UPDATE (answered_at, channel, score, answers, comment, wants_call) ON surveys TO huifang_notifier;
GRANT UPDATE (handled_at) ON due_contact_events TO huifang_notifier;
GRANT UPDATE (handled_at, outcome) ON callbacks, message_orders TO huifang_notifier;

-- After a large import the statistics of its tables say that they are empty, until the server looks by itself a minute later; meanwhile
-- every plan made for them reads them from end to end. Only an owner may look, so the importing role asks the owner to.
CREATE OR REPLACE FUNCTION look_at_imported_tables() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    ANALYZE customers, contact_points, consents, vehicles, mileage_readings, sales, work_orders, leads, insurance_policies,
        warranty_items, visits, visit_events, visit_wakes;
END $$;
REVOKE ALL ON FUNCTION look_at_imported_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION look_at_imported_tables() TO huifang_api;

-- Every statement of the notifier goes by keys; while the statistics of a young table say nothing, the planner would read it whole.
ALTER ROLE huifang_notifier SET enable_seqscan = off;
