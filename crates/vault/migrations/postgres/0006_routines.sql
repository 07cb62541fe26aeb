-- Claims of workers that offer some stages alone. What version 0004 made stays for workers of that version.

-- As next_gallery_1, of the galleries with jobs that wait at one of the stages: each is looked into in its turn, until one has
-- some.
CREATE FUNCTION next_gallery_2(region_ TEXT, now_ BIGINT, critical_ BOOLEAN, stages_ BIGINT[], OUT id_ TEXT, OUT contended BOOLEAN)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    has_critical BOOLEAN;
    has_other BOOLEAN;
BEGIN
    has_critical := EXISTS (SELECT 1 FROM gallery WHERE waiting > 0 AND critical_at <= now_
        AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
        AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND job.state = 'waiting'
            AND job.stage = ANY (stages_)));
    has_other := EXISTS (SELECT 1 FROM gallery WHERE waiting > 0 AND critical_at > now_
        AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
        AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND job.state = 'waiting'
            AND job.stage = ANY (stages_)));
    contended := has_critical AND has_other;
    IF has_critical AND (critical_ OR NOT has_other) THEN
        SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at <= now_
            AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
            AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND job.state = 'waiting'
                AND job.stage = ANY (stages_))
            ORDER BY deadline, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        IF id_ IS NULL THEN
            SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at <= now_
                AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
                AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND job.state = 'waiting'
                    AND job.stage = ANY (stages_))
                ORDER BY deadline, id LIMIT 1 FOR NO KEY UPDATE;
        END IF;
    ELSIF has_other THEN
        SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at > now_
            AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
            AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND job.state = 'waiting'
                AND job.stage = ANY (stages_))
            ORDER BY vtime, deadline, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        IF id_ IS NULL THEN
            SELECT id INTO id_ FROM gallery WHERE waiting > 0 AND critical_at > now_
                AND (region_ IS NULL OR cluster IS NULL OR cluster = region_)
                AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND job.state = 'waiting'
                    AND job.stage = ANY (stages_))
                ORDER BY vtime, deadline, id LIMIT 1 FOR NO KEY UPDATE;
        END IF;
    END IF;
END $$;

-- Takes the first jobs of a gallery that is locked, charges it for the parts of them that are done, and returns them in their
-- order. Stages are asked for as runs without a gap, the latest first: a job is carried to the end that is told of its
-- run, and each stage is a quarter of it (`Stages::part_from`).
CREATE FUNCTION take_jobs_2(gallery_ TEXT, worker_ TEXT, count_ BIGINT, expires_at_ BIGINT, firsts_ BIGINT[],
    lasts_ BIGINT[], ends_ BIGINT[])
RETURNS TABLE (job_ BIGINT, epoch_ BIGINT, failures_ BIGINT, cost_ DOUBLE PRECISION, stage_ BIGINT, found_ TEXT,
    facts_ TEXT, settings_ TEXT, opened_at_ BIGINT)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    chosen BIGINT[] := '{}';
    of_run BIGINT[];
    taken_cost DOUBLE PRECISION := 0;
    charged RECORD;
BEGIN
    FOR run IN 1..cardinality(firsts_) LOOP
        of_run := ARRAY(SELECT id FROM job
            WHERE gallery = gallery_ AND state = 'waiting' AND stage BETWEEN firsts_[run] AND lasts_[run]
            ORDER BY stage DESC, priority DESC, id LIMIT count_ - cardinality(chosen) FOR UPDATE SKIP LOCKED);
        taken_cost := taken_cost
            + COALESCE((SELECT SUM(cost * (ends_[run] - stage + 1) / 4) FROM job WHERE id = ANY (of_run)), 0);
        chosen := chosen || of_run;
        EXIT WHEN cardinality(chosen) >= count_;
    END LOOP;
    IF cardinality(chosen) = 0 THEN
        RETURN;
    END IF;
    UPDATE gallery SET waiting = waiting - cardinality(chosen), vtime = vtime + taken_cost / weight WHERE id = gallery_
        RETURNING waiting, vtime, settings, opened_at INTO charged;
    -- Where a gallery starts if none waits. Whoever changes it at this moment ran empty as well.
    IF charged.waiting = 0 THEN
        UPDATE schedule SET vtime = charged.vtime
            WHERE id = (SELECT id FROM schedule WHERE id = 1 FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN QUERY
        WITH taken AS (
            UPDATE job SET state = 'held', epoch = epoch + 1, worker = worker_, wakes_at = expires_at_
            FROM photo WHERE job.id = ANY (chosen) AND photo.id = job.photo
            RETURNING job.id, job.epoch, job.failures, job.cost, job.priority, job.stage, job.found, photo.facts)
        SELECT taken.id, taken.epoch, taken.failures, taken.cost, taken.stage, taken.found, taken.facts,
            charged.settings, charged.opened_at
        FROM taken ORDER BY taken.stage DESC, taken.priority DESC, taken.id;
END $$;

-- A claim: wakes what is due, finds whose turn it is, and takes its first jobs at these stages. Whoever offers all stages
-- says NULL, and no gallery has to be looked into.
CREATE FUNCTION claim_jobs_2(worker_ TEXT, region_ TEXT, only_ TEXT, count_ BIGINT, now_ BIGINT, expires_at_ BIGINT,
    critical_ BOOLEAN, stages_ BIGINT[], firsts_ BIGINT[], lasts_ BIGINT[], ends_ BIGINT[])
RETURNS TABLE (job_ BIGINT, epoch_ BIGINT, failures_ BIGINT, cost_ DOUBLE PRECISION, stage_ BIGINT, found_ TEXT,
    facts_ TEXT, settings_ TEXT, opened_at_ BIGINT, contended_ BOOLEAN)
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
        RETURN QUERY SELECT taken.*, FALSE
            FROM take_jobs_2(only_, worker_, count_, expires_at_, firsts_, lasts_, ends_) AS taken;
        RETURN;
    END IF;
    -- Others may take all that waits between the look and the lock.
    FOR attempt IN 1..10 LOOP
        IF stages_ IS NULL THEN
            SELECT * INTO turn FROM next_gallery_1(region_, now_, critical_);
        ELSE
            SELECT * INTO turn FROM next_gallery_2(region_, now_, critical_, stages_);
        END IF;
        CONTINUE WHEN turn.id_ IS NULL AND turn.contended;
        EXIT WHEN turn.id_ IS NULL;
        RETURN QUERY SELECT taken.*, turn.contended
            FROM take_jobs_2(turn.id_, worker_, count_, expires_at_, firsts_, lasts_, ends_) AS taken;
        EXIT WHEN FOUND;
    END LOOP;
END $$;
