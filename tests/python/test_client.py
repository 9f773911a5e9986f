"""The main job through a Python client: stubs generated from proto/ by the test itself, import, run, watch, pages,
explanation, replay, the dataset, and each kind of error as a program sees it.

    pip install -r tests/python/requirements.txt
    MERIT_BINARY=target/release/merit pytest tests/python
"""

import datetime
import os
import pathlib
import re
import subprocess
import sys
import threading
from decimal import Decimal

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEAM = "teams/python"
SELLERS = 25
DEALS = 40
PERIOD = {"period_start": "2026-01-01", "period_end": "2026-04-01"}

FORMULA = """
# Nothing below half of the quota, five percent up to it, eight beyond.
input  revenue
input  quota
attainment = revenue / quota
score  performance = ROUND(100 * attainment, 2)
payout commission  = IF(attainment < 50%, 0, TIERED(revenue, 0, 5%, quota, 8%))
grade  band        = IFS(attainment >= 1, "A", TRUE, "B")
"""


@pytest.fixture(scope="session")
def merit(tmp_path_factory):
    """The generated modules, by name."""
    out = tmp_path_factory.mktemp("stubs")
    protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto")]
    command += [f"--python_out={out}", f"--grpc_python_out={out}", *protos]
    subprocess.run(command, check=True)
    sys.path.insert(0, str(out))
    import importlib

    chapters = ["crm", "evaluation", "goal", "organisation", "plugin", "transfer"]
    names = [f"{chapter}_pb2{kind}" for chapter in chapters for kind in ("", "_grpc")]
    return {name: importlib.import_module(f"merit.v1.{name}") for name in names}


@pytest.fixture(scope="session")
def channel(tmp_path_factory):
    """A channel to a server of the test's own."""
    binary = os.environ.get("MERIT_BINARY", str(ROOT / "target" / "release" / "merit"))
    data = tmp_path_factory.mktemp("data")
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", str(data), "--log-filter", "warn"]
    # MERIT_… variables are the server's configuration.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MERIT_")}
    # Slow and busy machines do the same, later; disks that are nearly full have room for a test.
    for limit in ["LIMITS__CALL_MS", "RUNS__WALL_MS", "PLUGINS__TRY_OUT_MS"]:
        environment[f"MERIT_{limit}"] = "3600000"
    for limit in ["WALL_MS", "WAIT_MS", "CPU_SECONDS"]:
        environment[f"MERIT_PLUGINS__COMPILE_{limit}"] = "3600000"
    environment["MERIT_PLUGINS__TRY_OUT_COMPILE_CPU_SECONDS"] = "3600000"
    environment["MERIT_STORE__FREE_FLOOR_BYTES"] = "0"
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = server.stdout.readline()
        address = re.search(r"127\.0\.0\.1:\d+", line)
        assert address, f"the server did not say where it listens: {line!r}"
        with grpc.insecure_channel(address.group()) as channel:
            yield channel
    finally:
        server.terminate()
        assert server.wait(timeout=300) == 0


@pytest.fixture(scope="session")
def service(merit, channel):
    """The stubs, by chapter."""
    return {
        "organisation": merit["organisation_pb2_grpc"].OrganisationServiceStub(channel),
        "crm": merit["crm_pb2_grpc"].CrmServiceStub(channel),
        "goal": merit["goal_pb2_grpc"].GoalServiceStub(channel),
        "evaluation": merit["evaluation_pb2_grpc"].EvaluationServiceStub(channel),
        "plugin": merit["plugin_pb2_grpc"].PluginServiceStub(channel),
        "transfer": merit["transfer_pb2_grpc"].TransferServiceStub(channel),
    }


def seller(number):
    return f"{TEAM}/accountManagers/seller-{number:02}"


def amount(number):
    """What a deal of a seller is worth, in cents."""
    return 100_000 + 2_500 * number


def quota(number):
    """The quota of a seller, in whole units."""
    return 20_000 + 1_000 * number


def deals_won(number):
    return DEALS - number


def payout(number):
    revenue, target = deals_won(number) * amount(number), quota(number) * 100
    if revenue * 2 < target:
        return Decimal(0)
    cents = Decimal(min(revenue, target) * 5 + max(revenue - target, 0) * 8) / 100
    return (cents / 100).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


def records(merit):
    """Ids and records of every collection, in an order in which each refers to those before it."""
    crm, goal, organisation = (merit[f"{chapter}_pb2"] for chapter in ("crm", "goal", "organisation"))
    for number in range(SELLERS):
        yield f"seller-{number:02}", organisation.AccountManager(display_name=f"Seller {number:02} 客户经理")
    for number in range(SELLERS):
        yield f"quota-{number:02}", goal.Goal(
            display_name="Quota", measure=f"{TEAM}/measures/won-revenue", target=str(quota(number)),
            owner=seller(number), state=goal.GOAL_STATE_ACTIVE, **PERIOD,
        )  # fmt: skip
        for deal in range(DEALS):
            won = deal < deals_won(number)
            day = datetime.date(2026, 1, 1) + datetime.timedelta(days=deal)
            yield f"deal-{number:02}-{deal:02}", crm.Opportunity(
                owner=seller(number), amount=str(Decimal(amount(number)) / 100), close_date=day.isoformat(),
                stage=crm.OPPORTUNITY_STAGE_WON if won else crm.OPPORTUNITY_STAGE_LOST,
            )  # fmt: skip


def won_revenue(merit):
    evaluation = merit["evaluation_pb2"]
    aggregate = evaluation.Aggregate(
        collection="opportunities",
        condition='stage = "WON"',
        value="amount",
        function=evaluation.AGGREGATE_FUNCTION_SUM,
        owner_field="owner",
        time_field="close_date",
    )
    measure = evaluation.Measure(display_name="Won revenue", scale=2, money=True, aggregate=aggregate)
    return evaluation.CreateMeasureRequest(parent=TEAM, measure_id="won-revenue", measure=measure)


def import_all(merit, service, items):
    transfer = merit["transfer_pb2"]

    def requests():
        batch = []
        parent = TEAM
        for id, record in items:
            item = transfer.ImportItem(id=id)
            item.resource.Pack(record)
            batch.append(item)
            if len(batch) == 200:
                yield transfer.ImportResourcesRequest(parent=parent, items=batch)
                batch, parent = [], ""
        if batch:
            yield transfer.ImportResourcesRequest(parent=parent, items=batch)

    return [result for answer in service["transfer"].ImportResources(requests()) for result in answer.results]


@pytest.fixture(scope="session")
def run(merit, service):
    """A finished run over imported records."""
    organisation, transfer, plugin, evaluation = (
        merit[f"{chapter}_pb2"] for chapter in ("organisation", "transfer", "plugin", "evaluation")
    )
    team = organisation.Team(display_name="Python", currency="EUR")
    service["organisation"].CreateTeam(organisation.CreateTeamRequest(team=team, team_id="python"))
    service["evaluation"].CreateMeasure(won_revenue(merit))
    items = list(records(merit))
    results = import_all(merit, service, items)
    assert [result.outcome for result in results] == [transfer.IMPORT_OUTCOME_CREATED] * len(items), results[:3]
    results = import_all(merit, service, items)
    assert {result.outcome for result in results} == {transfer.IMPORT_OUTCOME_UNCHANGED}

    create = plugin.CreatePluginRequest(parent=TEAM, plugin_id="commission", plugin=plugin.Plugin(display_name="C"))
    service["plugin"].CreatePlugin(create)
    publish = plugin.PublishPluginRevisionRequest(plugin=f"{TEAM}/plugins/commission", formula=FORMULA)
    revision = service["plugin"].PublishPluginRevision(publish)
    assert [output.name for output in revision.manifest.outputs if output.role == plugin.OUTPUT_ROLE_PAYOUT] == ["commission"]

    measure = f"{TEAM}/measures/won-revenue"
    step = evaluation.RunStep(
        step="commission",
        revision=revision.name,
        inputs=[
            evaluation.InputBinding(input="revenue", measure=measure),
            evaluation.InputBinding(input="quota", target=measure),
        ],
    )
    wanted = evaluation.Run(steps=[step], mode=evaluation.RUN_MODE_TRIAL, **PERIOD)
    created = service["evaluation"].CreateRun(evaluation.CreateRunRequest(parent=TEAM, run=wanted, run_id="first"))
    assert created.name == f"{TEAM}/runs/first"
    seen = [message.run for message in service["evaluation"].WatchRun(evaluation.WatchRunRequest(name=created.name))]
    assert [r.rows_done for r in seen] == sorted(r.rows_done for r in seen)
    finished = seen[-1]
    assert finished.state == evaluation.RUN_STATE_SUCCEEDED, finished
    assert (finished.rows_done, finished.rows_total, finished.rows_faulted) == (SELLERS, SELLERS, 0)
    return finished


def test_the_results_come_in_pages(merit, service, run):
    evaluation = merit["evaluation_pb2"]
    found, token, pages = [], "", 0
    while True:
        request = evaluation.ListEvaluationsRequest(parent=run.name, page_size=10, page_token=token, order_by="payout desc")
        answer = service["evaluation"].ListEvaluations(request)
        found += answer.evaluations
        token, pages = answer.next_page_token, pages + 1
        if not token:
            break
    assert pages == 3
    payouts = {item.account_manager: Decimal(item.payout) for item in found}
    assert payouts == {seller(number): payout(number) for number in range(SELLERS)}
    assert [Decimal(item.payout) for item in found] == sorted(payouts.values(), reverse=True)
    request = evaluation.ListEvaluationsRequest(parent=run.name, page_size=1000, filter='grade = "A"')
    graded = service["evaluation"].ListEvaluations(request).evaluations
    best = {seller(n) for n in range(SELLERS) if deals_won(n) * amount(n) >= quota(n) * 100}
    assert {item.account_manager for item in graded} == best


def test_an_evaluation_is_explained_to_the_cent(merit, service, run):
    evaluation = merit["evaluation_pb2"]
    request = evaluation.ExplainEvaluationRequest(name=f"{run.name}/evaluations/seller-03")
    explained = service["evaluation"].ExplainEvaluation(request)
    (step,) = explained.steps
    amounts = [Decimal(part.amount) for part in step.explanation if part.output == "commission"]
    assert sum(amounts) == payout(3) == Decimal(explained.evaluation.payout)
    revenue = next(source for source in step.inputs if source.value.name == "revenue")
    assert Decimal(revenue.value.number) == Decimal(deals_won(3) * amount(3)) / 100
    assert revenue.records == deals_won(3)
    assert f"{TEAM}/opportunities/deal-03-00" in revenue.record_names


@pytest.mark.parametrize("chunk_rows, threads", [(0, 0), (1, 1), (7, 2)])
def test_the_run_comes_out_the_same_again(merit, service, run, chunk_rows, threads):
    request = merit["evaluation_pb2"].ReplayRunRequest(name=run.name, chunk_rows=chunk_rows, threads=threads)
    replayed = service["evaluation"].ReplayRun(request)
    assert (replayed.identical, replayed.rows, replayed.dataset) == (True, SELLERS, run.dataset)


def test_other_tools_open_the_dataset(merit, service, run, tmp_path):
    import duckdb
    import pyarrow.parquet

    request = merit["evaluation_pb2"].DownloadDatasetRequest(name=run.name)
    path = tmp_path / "run.parquet"
    path.write_bytes(b"".join(piece.data for piece in service["evaluation"].DownloadDataset(request)))
    table = pyarrow.parquet.read_table(path)
    assert table.num_rows == SELLERS
    total = sum(payout(number) for number in range(SELLERS))
    (column,) = [name for name in table.column_names if name.endswith("commission")]
    assert sum(value for value in table.column(column).to_pylist()) == total
    rows = duckdb.sql(f"SELECT count(*), sum(\"{column}\") FROM '{path}'").fetchall()
    assert rows == [(SELLERS, total)]


# === Errors ===


def refused(call, request, **options):
    """Calls, and answers code, ErrorInfo and field violations of the refusal."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, **options)
    error = caught.value
    info, violations = None, {}
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
        if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            violations = {violation.field: violation.description for violation in bad.field_violations}
    return error.code(), info, violations


def test_a_wrong_field_is_named(merit, service, run):
    crm = merit["crm_pb2"]
    wrong = crm.Opportunity(owner=seller(0), amount="12,50", close_date="31.03.2026", stage=crm.OPPORTUNITY_STAGE_WON)
    request = crm.CreateOpportunityRequest(parent=TEAM, opportunity=wrong)
    code, info, violations = refused(service["crm"].CreateOpportunity, request)
    assert (code, info.reason, info.domain) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "merit.v1")
    assert any(field.endswith("amount") for field in violations), violations


def test_a_wrong_formula_is_named_by_line_and_column(merit, service, run):
    plugin = merit["plugin_pb2"]
    request = plugin.PublishPluginRevisionRequest(
        plugin=f"{TEAM}/plugins/commission", formula="input revenue\npayout pay = revenu * 5%\n"
    )
    with pytest.raises(grpc.RpcError) as caught:
        service["plugin"].PublishPluginRevision(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "revenue" in caught.value.details() and "2" in caught.value.details()


def test_what_is_not_there_is_not_found(merit, service, run):
    crm = merit["crm_pb2"]
    code, info, _ = refused(service["crm"].GetCustomer, crm.GetCustomerRequest(name=f"{TEAM}/customers/nobody"))
    assert (code, info.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


def test_a_reference_has_to_lead_somewhere(merit, service, run):
    crm = merit["crm_pb2"]
    lost = crm.Opportunity(owner=f"{TEAM}/accountManagers/nobody")
    _, info, _ = refused(service["crm"].CreateOpportunity, crm.CreateOpportunityRequest(parent=TEAM, opportunity=lost))
    assert info.reason == "REFERENCE_NOT_FOUND"


def test_a_name_is_given_once(merit, service, run):
    crm = merit["crm_pb2"]
    request = crm.CreateCustomerRequest(parent=TEAM, customer_id="acme", customer=crm.Customer(display_name="Acme"))
    service["crm"].CreateCustomer(request)
    code, info, _ = refused(service["crm"].CreateCustomer, request)
    assert (code, info.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS")


def test_who_comes_second_is_told(merit, service, run):
    crm = merit["crm_pb2"]
    customer = crm.Customer(display_name="Birch")
    customer = service["crm"].CreateCustomer(crm.CreateCustomerRequest(parent=TEAM, customer=customer))
    first = crm.UpdateCustomerRequest(customer=customer)
    first.update_mask.paths.append("sector")
    first.customer.sector = "retail"
    service["crm"].UpdateCustomer(first)
    second = crm.UpdateCustomerRequest(customer=customer)
    second.update_mask.paths.append("sector")
    second.customer.sector = "finance"
    code, info, _ = refused(service["crm"].UpdateCustomer, second)
    assert (code, info.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


def test_what_is_referred_to_stays(merit, service, run):
    organisation = merit["organisation_pb2"]
    request = organisation.DeleteAccountManagerRequest(name=seller(0))
    code, info, _ = refused(service["organisation"].DeleteAccountManager, request)
    assert (code, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STILL_REFERRED")


def test_a_closed_deal_does_not_advance(merit, service, run):
    crm = merit["crm_pb2"]
    request = crm.AdvanceOpportunityRequest(
        name=f"{TEAM}/opportunities/deal-00-00", stage=crm.OPPORTUNITY_STAGE_ENGAGING
    )
    code, info, _ = refused(service["crm"].AdvanceOpportunity, request)
    assert (code, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATE_FORBIDS")


def test_a_request_id_repeats_one_request_only(merit, service, run):
    crm = merit["crm_pb2"]
    customer = crm.Customer(display_name="Cedar")
    request = crm.CreateCustomerRequest(parent=TEAM, customer=customer, request_id="once")
    first, again = service["crm"].CreateCustomer(request), service["crm"].CreateCustomer(request)
    assert first == again
    request.customer.display_name = "Another"
    code, info, _ = refused(service["crm"].CreateCustomer, request)
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"filter": "displayname = 1"}, "INVALID_FILTER"),
        ({"order_by": "nothing"}, "INVALID_FILTER"),
        ({"page_token": "forged"}, "INVALID_PAGE_TOKEN"),
    ],
)
def test_a_list_has_to_be_understood(merit, service, run, change, reason):
    request = merit["crm_pb2"].ListCustomersRequest(parent=TEAM, **change)
    code, info, _ = refused(service["crm"].ListCustomers, request)
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


def test_a_run_without_results_is_not_replayed(merit, service, run):
    evaluation = merit["evaluation_pb2"]
    wanted = evaluation.Run(
        steps=run.steps, mode=evaluation.RUN_MODE_TRIAL, population='display_name = "nobody of that name"', **PERIOD
    )
    cancelled = None
    for _ in range(50):
        # One run is at work at a time: the last of many waits for the others. Now and then it is finished all the same
        # before it can be cancelled.
        request = evaluation.CreateRunRequest(parent=TEAM, run=wanted)
        created = [service["evaluation"].CreateRun.future(request) for _ in range(10)]
        created = max((future.result() for future in created), key=lambda run: run.create_time.ToNanoseconds())
        try:
            cancelled = service["evaluation"].CancelRun(evaluation.CancelRunRequest(name=created.name))
            break
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert cancelled.state == evaluation.RUN_STATE_CANCELLED
    code, info, _ = refused(service["evaluation"].ReplayRun, evaluation.ReplayRunRequest(name=created.name))
    assert (code, info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RUN_NOT_FINISHED")


def test_a_deadline_is_kept(merit, service, run):
    transfer = merit["transfer_pb2"]
    over = threading.Event()

    def requests():
        item = transfer.ImportItem(id="in-time")
        item.resource.Pack(merit["crm_pb2"].Customer(display_name="In time"))
        yield transfer.ImportResourcesRequest(parent=TEAM, items=[item])
        over.wait(timeout=60)

    def never_ending(_, **options):
        return list(service["transfer"].ImportResources(requests(), **options))

    try:
        code, _, _ = refused(never_ending, None, timeout=0.5)
    finally:
        over.set()
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_rejected_item_does_not_stop_the_others(merit, service, run):
    crm, transfer = merit["crm_pb2"], merit["transfer_pb2"]
    items = [
        ("good-one", crm.Customer(display_name="Good")),
        ("Bad Id", crm.Customer(display_name="Bad")),
        ("nameless", crm.Customer()),
        ("good-two", crm.Customer(display_name="Good too")),
    ]
    results = import_all(merit, service, items)
    created, rejected = transfer.IMPORT_OUTCOME_CREATED, transfer.IMPORT_OUTCOME_REJECTED
    assert [result.outcome for result in results] == [created, rejected, rejected, created]
    assert [result.reason for result in results] == ["", "INVALID_NAME", "INVALID_FIELD", ""]
