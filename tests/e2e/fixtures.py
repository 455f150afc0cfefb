"""fixtures: of the end-to-end tests and of the fault rig: the real binary, driven over HTTP on the loopback. Their conftest.py
take all of it over, hooks too."""
import itertools

import pytest

import nab
import stores
from processes import Service
from server import BINARY, Server


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: scripts/build asan makes it", returncode=3)


def pytest_configure(config):
    config.addinivalue_line("markers", "stores(kind, ...): the stores that a test runs with; without it, sqlite alone")
    config.addinivalue_line("markers", "sanitized: faults that are counted and not timed, always by a build with sanitizers")
    config.addinivalue_line("markers", "races: faults that are worth a look by ThreadSanitizer, too")


def pytest_generate_tests(metafunc):
    if "store" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("stores")
        if marker:
            metafunc.parametrize("store", marker.args, indirect=True, scope="session")


@pytest.fixture(scope="session")
def store(request):
    """Where the servers of a test store; a module says by pytest.mark.stores with which it is run."""
    return stores.open_store(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def shared(store, tmp_path_factory):
    """A server with the settings of .env.test that many tests share; each uses names of its own."""
    server = Server(tmp_path_factory.mktemp("shared"), **store.fresh(stores.SHARED))
    yield server
    server.stop()


@pytest.fixture
def server(shared):
    """The shared server, checked to be alive behind every test."""
    yield shared
    assert shared.process.poll() is None, f"the server is gone:\n{shared.log()}"
    assert shared.request("GET", "/healthz").status == 200


@pytest.fixture
def start(store, tmp_path):
    """start(JOBS=4) gives a server of the test's own, stopped and checked at the end. All of one test share a store."""
    servers = []
    settings = store.fresh(stores.OWN)

    def start_server(data_dir=None, **options):
        server = Server(data_dir or tmp_path / "data", **{**settings, **options})
        servers.append(server)
        return server

    yield start_server
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def asked(store, tmp_path_factory):
    """A server with the real input in the order of its file, for questions; and the input in the order of time."""
    if not nab.DATA.exists():
        pytest.skip(f"THE QUESTIONS WERE NOT ASKED: {nab.DATA} is absent (NAB_DATA names another place)")
    metrics = nab.read_data(nab.EVERY[store.kind])
    server = Server(tmp_path_factory.mktemp("asked"), **store.fresh(stores.OWN))
    with server.connect() as connection:
        for i in range(0, len(metrics), nab.BATCH_OF_ALL):
            nab.send(connection, metrics[i : i + nab.BATCH_OF_ALL])
    yield server, sorted(metrics, key=lambda metric: metric["ms"])
    server.stop()


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    """A MongoDB of the module's own, which its tests may kill."""
    service = Service("mongo", tmp_path_factory.mktemp("mongo") / "state")
    yield service
    service.close()


@pytest.fixture(scope="module")
def mongo_store(mongo):
    return stores.Mongodb(mongo.uri)


@pytest.fixture
def own_mongo(mongo_store):
    """Settings of a server that stores there, with its usual time limits."""
    return mongo_store.fresh(stores.OWN, patience={})


names = itertools.count(1)


@pytest.fixture
def name():
    """A metric name that no other test uses."""
    return f"test.metric{next(names)}"
