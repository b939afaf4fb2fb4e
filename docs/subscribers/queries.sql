-- Questions to the database of `station collect`. Each runs as it stands on SQLite and on PostgreSQL:
--   sqlite3 -box centre.sqlite < queries.sql        psql -f queries.sql centre
-- Stamps are UTC text (ISO 8601): they compare as they are. Simulated runs and trials (engineering) are no statistics.

-- last_results: what came in last, with the first cause of what did not pass
SELECT results.station, results.work_order, results.serial_number, results.product, results.purpose, results.verdict,
       results.ended_at, messages.received_at, results.first_cause_text
FROM results JOIN messages ON messages.msg_id = results.msg_id
ORDER BY messages.received_at DESC, messages.seq DESC
LIMIT 20;

-- first_pass_yield: of the devices whose outgoing test said something, how many passed the first time, by product
WITH judged AS (
    SELECT product, verdict, row_number() OVER (
        PARTITION BY product, serial_number, work_order ORDER BY started_at, run_no) AS attempt
    FROM results
    WHERE purpose = 'outgoing' AND NOT simulated AND verdict IN ('PASS', 'FAIL') AND started_at >= '2026-01-01')
SELECT product, count(*) AS devices, sum(CASE WHEN verdict = 'PASS' THEN 1 ELSE 0 END) AS passed_first,
       round(100.0 * sum(CASE WHEN verdict = 'PASS' THEN 1 ELSE 0 END) / count(*), 1) AS percent
FROM judged WHERE attempt = 1
GROUP BY product ORDER BY percent, product;

-- failure_pareto: what outgoing tests fail on
SELECT product, first_cause_measurement, first_cause_channel, count(*) AS failures
FROM results
WHERE purpose = 'outgoing' AND NOT simulated AND verdict = 'FAIL'
GROUP BY product, first_cause_measurement, first_cause_channel
ORDER BY failures DESC, product, first_cause_measurement;

-- as_found_as_left: every measurement of one serial number, run by run
SELECT measurements.measurement, measurements.channel, results.purpose, results.ended_at, measurements.value,
       measurements.unit, measurements.verdict
FROM measurements JOIN results ON results.run_id = measurements.run_id
WHERE results.serial_number = 'SN-1'
ORDER BY measurements.measurement, measurements.channel, results.started_at, results.run_no;

-- open_alarms: what is latched at a bench at this moment, as far as it could tell
SELECT station, state, alarm_active_ts, alarm_active
FROM stations
WHERE alarm_active IS NOT NULL AND alarm_active NOT LIKE '%"alarms":[]%'
ORDER BY station;

-- last_alarms: of the stations, and of the centre itself (the same msg_id with another content, no message of the contract)
SELECT at, source, station, code, cause, run_id FROM alarms ORDER BY at DESC, id DESC LIMIT 20;

-- stations_offline: who is not there, and since when as the station or the broker said it
SELECT station, state, presence_ts, store_epoch, session FROM stations
WHERE state IS NULL OR state <> 'online'
ORDER BY station;

-- work_orders: the state of each, from its last event that changes one
WITH told AS (
    SELECT events.work_order, events.station, events.ts, events.event, events.reason, results.purpose,
           row_number() OVER (PARTITION BY events.work_order ORDER BY events.ts DESC, messages.seq DESC) AS back
    FROM events
    JOIN messages ON messages.msg_id = events.msg_id
    LEFT JOIN results ON results.run_id = events.run_id
    WHERE events.work_order IS NOT NULL AND events.event IN ('accepted', 'run_started', 'run_ended', 'label_printed')
      AND coalesce(results.purpose, '') NOT IN ('engineering', 'verify'))
SELECT work_order, station, ts, event, reason, purpose,
       CASE WHEN event IN ('accepted', 'run_started') THEN 'in test'
            WHEN event = 'label_printed' THEN 'labelled, ready for acceptance'
            WHEN reason IN ('ABORTED', 'ERROR') THEN 'to be tested again'
            WHEN purpose IS NULL THEN 'test ended, record to come'
            WHEN purpose = 'incoming' THEN 'fault report ready'
            WHEN reason = 'FAIL' THEN 'back to repair'
            WHEN purpose = 'adjust' THEN 'waits for the outgoing test'
            ELSE 'passed, label to come' END AS state,
       CASE WHEN event IN ('accepted', 'run_started') THEN '检测中'
            WHEN event = 'label_printed' THEN '维修合格，待验收'
            WHEN reason IN ('ABORTED', 'ERROR') THEN '待重测'
            WHEN purpose IS NULL THEN '检测结束，待记录'
            WHEN purpose = 'incoming' THEN '已出故障检测报告'
            WHEN reason = 'FAIL' THEN '返修'
            WHEN purpose = 'adjust' THEN '待出厂检验'
            ELSE '检验合格，待贴标签' END AS state_zh
FROM told WHERE back = 1
ORDER BY work_order;

-- gaps: numbers that a station gave and the centre does not have: not sent yet, or lost with a backup (then `resend`)
SELECT station, store_epoch, from_seq, to_seq, missing FROM gaps ORDER BY station, store_epoch, from_seq;
