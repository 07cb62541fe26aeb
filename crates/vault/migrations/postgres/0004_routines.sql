-- What PostgreSQL does in one call where SQLite takes several statements. A routine that was released never changes: its
-- next version has the next number, and goes when no supported version calls it.

-- Rows that change with every job: room to change in place, and vacuumed long before a fifth of them is dead.
ALTER TABLE job SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.1,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE gallery SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE schedule SET (fillfactor = 10);

-- Counts jobs that wait from now on. A gallery that had none joins those that have some at the least of their virtual
-- times, and whoever listens is told.
CREATE FUNCTION add_waiting_1(id_ TEXT, count_ BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    now_waiting BIGINT;
BEGIN
    UPDATE gallery SET waiting = waiting + count_ WHERE id = id_ RETURNING waiting INTO now_waiting;
    IF now_waiting = count_ THEN
        UPDATE gallery SET vtime = GREATEST(vtime, (SELECT COALESCE(
            (SELECT MIN(other.vtime) FROM gallery other WHERE other.waiting > 0 AND other.id <> id_), schedule.vtime)
            FROM schedule)) WHERE id = id_;
        PERFORM pg_notify('procession_work', '');
    END IF;
END $$;

-- Makes what expired or is due wait again. What somebody else has locked is in work or woken already.
CREATE FUNCTION wake_jobs_1(now_ BIGINT) RETURNS VOID LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    due BIGINT[];
    woken RECORD;
BEGIN
    due := ARRAY(SELECT id FROM job WHERE state <> 'waiting' AND wakes_at <= now_ ORDER BY wakes_at
        FOR UPDATE SKIP LOCKED);
    IF cardinality(due) = 0 THEN
        RETURN;
    END IF;
    FOR woken IN
        WITH changed AS (
            UPDATE job SET state = 'waiting', wakes_at = NULL,
                failures = failures + CASE state WHEN 'held' THEN 1 ELSE 0 END
            WHERE id = ANY (due) RETURNING job.gallery)
        SELECT changed.gallery, COUNT(*) AS jobs FROM changed GROUP BY changed.gallery ORDER BY changed.gallery
    LOOP
        PERFORM add_waiting_1(woken.gallery, woken.jobs);
    END LOOP;
END $$;

-- The gallery whose turn it is, locked; NULL if none waits. The first that nobody else is claiming from, or else the first.
-- Whether critical galleries and others contend is told beside it: then the turn counts for their shares.
CREATE FUNCTION next_gallery_1(region_ TEXT, now_ BIGINT, critical_ BOOLEAN, OUT id_ TEXT, OUT contended BOOLEAN)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    has_critical BOOLEAN;
    has_other BOOLEAN;
BEGIN
    has_critical := EXISTS (SELECT 1 FROM gallery WHERE waiting > 0 AND critical_at <= now_
        AND (region_ IS NULL OR cluster IS NULL OR cluster = region_));
    has_other := EXISTS (SELECT 1 FROM gallery WHERE waiting > 0 AND critical_at > now_
        AND (region_ IS NULL OR cluster IS NULL OR cluster = region_));
    contended := has_critical AND has_other;
    IF has_critical AND (critical_ OR NOT has_other) THEN
        SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at <= now_
            AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
            ORDER BY deadline, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        IF id_ IS NULL THEN
            SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at <= now_
                AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
                ORDER BY deadline, id LIMIT 1 FOR NO KEY UPDATE;
        END IF;
    ELSIF has_other THEN
        SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at > now_
            AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
            ORDER BY vtime, deadline, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        IF id_ IS NULL THEN
            SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at > now_
                AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
                ORDER BY vtime, deadline, id LIMIT 1 FOR NO KEY UPDATE;
        END IF;
    END IF;
END $$;

-- Takes the first jobs of a gallery that is locked, charges it for them, and returns them in their order.
CREATE FUNCTION take_jobs_1(gallery_ TEXT, worker_ TEXT, count_ BIGINT, expires_at_ BIGINT)
RETURNS TABLE (job_ BIGINT, epoch_ BIGINT, failures_ BIGINT, cost_ DOUBLE PRECISION, facts_ TEXT, settings_ TEXT,
    opened_at_ BIGINT)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    first BIGINT[];
    taken_cost DOUBLE PRECISION;
    charged RECORD;
BEGIN
    first := ARRAY(SELECT id FROM job WHERE gallery = gallery_ AND state = 'waiting' ORDER BY priority DESC, id
        LIMIT count_ FOR UPDATE SKIP LOCKED);
    IF cardinality(first) = 0 THEN
        RETURN;
    END IF;
    SELECT SUM(cost) INTO taken_cost FROM job WHERE id = ANY (first);
    UPDATE gallery SET waiting = waiting - cardinality(first), vtime = vtime + taken_cost / weight WHERE id = gallery_
        RETURNING waiting, vtime, settings, opened_at INTO charged;
    -- Where a gallery starts if none waits. Whoever changes it at this moment ran empty as well.
    IF charged.waiting = 0 THEN
        UPDATE schedule SET vtime = charged.vtime
            WHERE id = (SELECT id FROM schedule WHERE id = 1 FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN QUERY
        WITH taken AS (
            UPDATE job SET state = 'held', epoch = epoch + 1, worker = worker_, wakes_at = expires_at_
            FROM photo WHERE job.id = ANY (first) AND photo.id = job.photo
            RETURNING job.id, job.epoch, job.failures, job.cost, job.priority, photo.facts)
        SELECT taken.id, taken.epoch, taken.failures, taken.cost, taken.facts, charged.settings, charged.opened_at
        FROM taken ORDER BY taken.priority DESC, taken.id;
END $$;

-- A claim: wakes what is due, finds whose turn it is, and takes its first jobs.
CREATE FUNCTION claim_jobs_1(worker_ TEXT, region_ TEXT, only_ TEXT, count_ BIGINT, now_ BIGINT, expires_at_ BIGINT,
    critical_ BOOLEAN)
RETURNS TABLE (job_ BIGINT, epoch_ BIGINT, failures_ BIGINT, cost_ DOUBLE PRECISION, facts_ TEXT, settings_ TEXT,
    opened_at_ BIGINT, contended_ BOOLEAN)
LANGUAGE plpgsql AS $$
DECLARE
    turn RECORD;
BEGIN
    PERFORM wake_jobs_1(now_);
    IF count_ <= 0 THEN
        RETURN;
    END IF;
    IF only_ IS NOT NULL THEN
        PERFORM 1 FROM gallery WHERE id = only_ FOR NO KEY UPDATE;
        RETURN QUERY SELECT taken.*, FALSE FROM take_jobs_1(only_, worker_, count_, expires_at_) AS taken;
        RETURN;
    END IF;
    -- Others may take all that waits between the look and the lock.
    FOR attempt IN 1..10 LOOP
        SELECT * INTO turn FROM next_gallery_1(region_, now_, critical_);
        CONTINUE WHEN turn.id_ IS NULL AND turn.contended;
        EXIT WHEN turn.id_ IS NULL;
        RETURN QUERY SELECT taken.*, turn.contended
            FROM take_jobs_1(turn.id_, worker_, count_, expires_at_) AS taken;
        EXIT WHEN FOUND;
    END LOOP;
END $$;
