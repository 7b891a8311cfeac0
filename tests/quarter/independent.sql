-- A second reckoning of the KPIs, from the definitions and the facts alone. Parameters: $1 store, $2 first day, $3 last day (both
-- included), $4 as seen at this instant, $5 the store's zone. Each statement gives `met` and `counted`.

-- success_rate: of the visits somebody tried on a day, those whose customer was reached that day
SELECT count(*) FILTER (WHERE spoke) AS met, count(*) AS counted
FROM (
    SELECT a.visit_id, date(a.at AT TIME ZONE $5) AS on_day,
           max(CASE WHEN a.outcome = 'reached' OR a.outcome = 'not_owner' AND a.reached_person = 'user' THEN 1 ELSE 0 END) = 1 AS spoke
    FROM attempts a
    WHERE a.store_id = $1 AND a.withdrawn_at IS NULL AND a.created_at <= $4
      AND a.visit_id IN (SELECT id FROM pg_temp.due)
    GROUP BY 1, 2
) days

-- coverage: of the customers with a visit due, those tried at least once, or who got a message
SELECT count(DISTINCT d.customer_id) FILTER (WHERE
           EXISTS (SELECT 1 FROM attempts a WHERE a.store_id = $1 AND a.visit_id = d.id AND a.withdrawn_at IS NULL AND a.created_at <= $4)
           OR EXISTS (SELECT 1 FROM messages m WHERE m.store_id = $1 AND m.visit_id = d.id AND m.state = 'delivered' AND m.delivered_at <= $4)
       ) AS met, count(DISTINCT d.customer_id) AS counted
FROM pg_temp.due d

-- phone_share: of the visits carried out by a person or a message, those with a telephone call
SELECT count(*) FILTER (WHERE rang) AS met, count(*) AS counted
FROM (
    SELECT d.id, (SELECT count(*) FROM attempts a WHERE a.store_id = $1 AND a.visit_id = d.id AND a.channel = 'phone'
                  AND a.withdrawn_at IS NULL AND a.created_at <= $4) > 0 AS rang
    FROM pg_temp.due d
    WHERE d.id IN (SELECT visit_id FROM attempts WHERE store_id = $1 AND withdrawn_at IS NULL AND created_at <= $4)
       OR d.id IN (SELECT visit_id FROM messages WHERE store_id = $1 AND visit_id IS NOT NULL AND sent_at <= $4)
) carried

-- satisfaction: of the customers who gave a score, those whose last one was 4 or 5
SELECT count(*) FILTER (WHERE score >= 4) AS met, count(*) AS counted
FROM (
    SELECT customer_id, (array_agg(satisfaction ORDER BY coalesce(closed_at, updated_at) DESC, satisfaction DESC))[1] AS score
    FROM pg_temp.due WHERE satisfaction IS NOT NULL AND coalesce(closed_at, updated_at) <= $4 GROUP BY 1
) said

-- new_owner_7_day: of the cars whose seventh day after the delivery lies in the month, those whose owner or user was reached by then
SELECT count(*) FILTER (WHERE 0 < (
           SELECT count(*) FROM attempts a JOIN visits v ON v.store_id = a.store_id AND v.id = a.visit_id
           WHERE a.store_id = $1 AND v.customer_id = s.customer_id AND coalesce(v.vehicle_id, s.vehicle_id) = s.vehicle_id
             AND a.withdrawn_at IS NULL AND a.created_at <= $4 AND a.outcome IN ('reached', 'not_owner')
             AND a.reached_person IN ('owner', 'user')
             AND date(a.at AT TIME ZONE $5) BETWEEN s.delivered_on AND s.delivered_on + 7)) AS met,
       count(*) AS counted
FROM sales s
WHERE s.store_id = $1 AND s.delivered_on + 7 BETWEEN $2 AND $3 AND s.delivered_on + 7 < date($4 AT TIME ZONE $5) AND NOT s.excluded
  AND NOT EXISTS (SELECT 1 FROM vehicles e WHERE e.store_id = $1 AND e.id = s.vehicle_id AND e.excluded)
  AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.store_id = $1 AND c.id = s.customer_id AND c.deceased_at <= $4)

-- complaint_resolution: of the valid complaints to be handled in the month, those resolved
SELECT count(*) FILTER (WHERE p.resolved_at <= $4 OR p.state IN ('closed', 'closed_unconfirmed') AND p.closed_at <= $4) AS met,
       count(*) AS counted
FROM complaints p
WHERE p.store_id = $1 AND date(p.handle_by AT TIME ZONE $5) BETWEEN $2 AND $3 AND p.opened_at <= $4
  AND NOT (p.state = 'rejected' AND coalesce(p.closed_at, p.updated_at) <= $4)
  AND (p.handle_by <= $4 OR p.resolved_at <= $4 OR p.closed_at <= $4)
  AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.store_id = $1 AND c.id = p.customer_id AND c.deceased_at <= $4)

-- complaint_count: complaints made in the month
SELECT count(*) AS met, count(*) AS counted FROM complaints p
WHERE p.store_id = $1 AND date(p.opened_at AT TIME ZONE $5) BETWEEN $2 AND $3 AND p.opened_at <= $4
  AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.store_id = $1 AND c.id = p.customer_id AND c.deceased_at <= $4)

-- retention: of the owners at the start (first order three months before or more, one in the last six), those who are at the end
WITH orders AS (
    SELECT customer_id, closed_at AT TIME ZONE $5 AS at FROM work_orders
    WHERE store_id = $1 AND kind <> 'internal' AND closed_at <= $4 AND created_at <= $4
      AND customer_id NOT IN (SELECT id FROM customers WHERE store_id = $1 AND deceased_at <= $4)
), ends AS (SELECT $2::timestamp AS first, least($3::timestamp + interval '1 day', $4 AT TIME ZONE $5) AS last
), owners AS (
    SELECT customer_id FROM orders, ends WHERE at < ends.first GROUP BY customer_id, ends.first
    HAVING min(at) <= ends.first - interval '3 months' AND max(at) >= ends.first - interval '6 months'
)
SELECT count(*) FILTER (WHERE customer_id IN (
           SELECT customer_id FROM orders, ends WHERE at >= ends.last - interval '6 months' AND at < ends.last)) AS met,
       count(*) AS counted
FROM owners

-- repurchase: of the customers with an order in the last twelve months, those with two
WITH ends AS (SELECT least($3::timestamp + interval '1 day', $4 AT TIME ZONE $5) AS last)
SELECT count(*) FILTER (WHERE orders >= 2) AS met, count(*) AS counted
FROM (
    SELECT customer_id, count(*) AS orders FROM work_orders, ends
    WHERE store_id = $1 AND kind <> 'internal' AND created_at <= $4 AND closed_at AT TIME ZONE $5 < ends.last
      AND closed_at AT TIME ZONE $5 >= ends.last - interval '12 months'
      AND customer_id NOT IN (SELECT id FROM customers WHERE store_id = $1 AND deceased_at <= $4)
    GROUP BY 1
) bought

-- on_time: of the clocks that ran out in the month (first response, handling, a new owner's seven days), those that were kept
WITH valid AS (
    SELECT p.* FROM complaints p
    WHERE p.store_id = $1 AND p.opened_at <= $4 AND NOT (p.state = 'rejected' AND coalesce(p.closed_at, p.updated_at) <= $4)
      AND p.customer_id NOT IN (SELECT id FROM customers WHERE store_id = $1 AND deceased_at <= $4)
), clocks AS (
    SELECT respond_by AS by, responded_at AS done FROM valid UNION ALL SELECT handle_by, handled_at FROM valid
), owners AS (
    SELECT s.id, EXISTS (
        SELECT 1 FROM visits v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
        WHERE v.store_id = $1 AND v.customer_id = s.customer_id AND (v.vehicle_id = s.vehicle_id OR v.vehicle_id IS NULL)
          AND a.outcome IN ('reached', 'not_owner') AND a.reached_person IN ('owner', 'user') AND a.withdrawn_at IS NULL
          AND a.created_at <= $4 AND date(a.at AT TIME ZONE $5) - s.delivered_on BETWEEN 0 AND 7) AS kept
    FROM sales s JOIN customers c ON c.store_id = s.store_id AND c.id = s.customer_id
    WHERE s.store_id = $1 AND NOT s.excluded AND (c.deceased_at IS NULL OR c.deceased_at > $4)
      AND s.delivered_on BETWEEN $2 - 7 AND $3 - 7 AND s.delivered_on + 7 < date($4 AT TIME ZONE $5)
      AND s.vehicle_id NOT IN (SELECT id FROM vehicles WHERE store_id = $1 AND excluded)
)
SELECT sum(met)::bigint AS met, sum(counted)::bigint AS counted
FROM (
    SELECT count(*) FILTER (WHERE done <= by AND done <= $4) AS met, count(*) AS counted
    FROM clocks WHERE date(by AT TIME ZONE $5) BETWEEN $2 AND $3 AND by <= $4
    UNION ALL SELECT count(*) FILTER (WHERE kept), count(*) FROM owners
) both_kinds
