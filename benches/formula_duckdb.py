"""The reference formula in DuckDB, in SQL with DECIMAL, on one thread: the baseline of the bench `formula`.

Prints the rows a second of the best round, then for each of the first 4,096 rows performance in millionths and commission
in cents, for the bench to compare. DuckDB divides decimals as doubles; each quotient is cast back to twelve decimals.
"""

import sys
import time

import duckdb

ROWS = 1 << 20
ROUNDS = 5

INPUTS = """
create table inputs as select
    cast((((i % 4096) * 7919) % 200000) / 100 as decimal(18, 2)) as revenue,
    cast((100000 + ((i % 4096) * 31) % 5000) / 100 as decimal(18, 2)) as quota,
    cast((((i % 4096) * 13) % 5000) / 1000 as decimal(18, 3)) as satisfaction
from range({rows}) as numbers(i)
"""

FORMULA = """
with first as (
    select *, cast(revenue / quota as decimal(18, 12)) as attainment from inputs
)
select
    cast(100 * (cast(0.7 * least(attainment, 1.5) / 1.5 as decimal(18, 12))
        + cast(0.3 * satisfaction / 5 as decimal(18, 12))) as decimal(18, 6)) as performance,
    cast(case when attainment < 0.5 then 0 else
        0.05 * least(revenue, quota)
        + 0.08 * greatest(least(revenue, 1.2 * quota) - quota, 0)
        + 0.12 * greatest(revenue - 1.2 * quota, 0)
    end as decimal(18, 2)) as commission
from first
"""


def main() -> None:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(INPUTS.format(rows=ROWS))
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        connection.execute(f"create or replace temp table answers as {FORMULA}")
        best = min(best, time.perf_counter() - start)
    print(duckdb.__version__, ROWS / best)
    # One thread keeps the order of the rows.
    for performance, commission in connection.execute("select * from answers limit 4096").fetchall():
        print(performance.scaleb(6).to_integral_exact(), commission.scaleb(2).to_integral_exact())


if __name__ == "__main__":
    sys.exit(main())
