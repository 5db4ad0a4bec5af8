# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A client for etcd: calls with failover, login and deadlines, and plain Python values.

Member and cluster ids are lower-case hex text as etcdctl prints them, sizes and revisions are ints, keys and values
are bytes (text is encoded as UTF-8). Every key that a docstring names is present, with its zero value where the server
is too old to fill it.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    EtcdError,
    NoAnswer,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._formats.messages import SERVICES
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm, ClusterMember, MemberList, Status
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import grpc, http2
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer, Endpoint, endpoint_of

Key = t.Union[str, bytes]
Result = dict[str, t.Any]
_T = t.TypeVar("_T")

# Calls that change nothing, or nothing more the second time, and so may be repeated anywhere. Alarm is one when its
# action is GET.
_REPEATABLE = {
    "KV": ("Range", "RangeStream"),
    "Cluster": ("MemberList",),
    "Maintenance": ("Status", "Hash", "HashKV", "Snapshot"),
    "Lease": ("LeaseTimeToLive", "LeaseLeases", "LeaseKeepAlive", "LeaseRevoke"),
    "Auth": ("Authenticate", "AuthStatus", "UserGet", "UserList", "RoleGet", "RoleList"),
}

# etcd's texts for requests that were certainly not carried out, and that another member might carry out
# (api/v3rpc/rpctypes/error.go; a dropped proposal never entered raft's log).
_ANOTHER_MIGHT = ("rpc not supported for learner", "raft proposal dropped", "not leader")
# The same, but no other member would do it either.
_REFUSED = ("unhealthy cluster",)
# Answers of code Unknown that leave it open: etcd 3.4 has the text of Go's context where newer ones answer
# DeadlineExceeded, and all have raft's own (raft/node.go, stepWait) when the member ends meanwhile.
_UNCLEAR = ("deadline exceeded", "raft: stopped")
# The token is gone or was never asked for: the request was refused, and works after a login
# (client/v3/retry_interceptor.go, shouldRefreshToken).
_LOGIN_AGAIN = ("invalid auth token", "user name is empty", "revision of auth store is old")
# The last one also says that users or roles were changed meanwhile, to whoever asks.
_TRIES = 5
# Its answer to whoever asks for the past (api/v3rpc/rpctypes/error.go, ErrGRPCCompacted).
_COMPACTED = "required revision has been compacted"
_NO_LOGIN_NEEDED = "authentication is not enabled"
# A learner serves no login, but knows the tokens that voters gave (server/etcdserver/v3_server.go, Authenticate).
_NO_LOGIN_HERE = "rpc not supported for learner"
# Seconds until it does.
_REPLICATION = 0.1


class Credentials(t.NamedTuple):
    """Who this client is, and whom it trusts. Paths are PEM files; see C(Dialer)."""

    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    username: str | None = None
    password: str | None = None


def outcome_unknown(error: EtcdError) -> bool:
    """Whether a write that ended with this error may have happened, or may still happen."""
    if isinstance(error, NoAnswer):
        return any(map(outcome_unknown, error.failures))
    if isinstance(error, TransportError):
        return error.sent
    if not isinstance(error, RpcError) or any(text in error.detail for text in _ANOTHER_MIGHT + _REFUSED):
        return False
    clear = error.name not in ("Canceled", "DeadlineExceeded", "Unavailable")
    return not clear or any(text in error.detail for text in _UNCLEAR)


def is_compacted(error: RpcError) -> bool:
    """Whether etcd says that it no longer knows the revision that was asked for."""
    return _COMPACTED in error.detail


_ANONYMOUS = Credentials()


class Client(contextlib.AbstractContextManager["Client"]):
    """A client of one cluster. Not for use by several threads at once; make one for each.

    Without C(endpoint) a call is made to the endpoint that answered last, then to the others in turn; a call that
    changes something moves on only where it certainly was not carried out. So a call lasts at most C(timeout) for each
    endpoint.

    :param endpoints: client URLs of members, for example C(https://10.0.0.1:2379).
    :param timeout: seconds that one endpoint has to answer one call.
    :raises BadInput: an endpoint is malformed, or there is none.
    """

    def __init__(self, endpoints: t.Sequence[str], credentials: Credentials = _ANONYMOUS, timeout: float = 5.0) -> None:
        if not endpoints:
            raise BadInput("endpoints is empty; name at least one, like https://10.0.0.1:2379.")
        self.timeout = timeout
        self._credentials = credentials
        self._tls_by_default = bool(credentials.ca_path or credentials.client_cert)
        self._endpoints = [self._endpoint(text) for text in endpoints]
        self._dialer = Dialer(credentials.ca_path, credentials.client_cert, credentials.client_key)
        self._connections: dict[Endpoint, http2.Connection] = {}
        self._token: str | None = None

    @property
    def endpoints(self) -> list[str]:
        """The endpoints, as they were given."""
        return [endpoint.text for endpoint in self._endpoints]

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    # -- any call ------------------------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        request: t.Mapping[str, t.Any] | None = None,
        *,
        endpoint: str | None = None,
        timeout: float | None = None,
    ) -> protobuf.Message:
        """Any unary call, with the field names of etcd's .proto files. A LeaseKeepAlive is one such.

        :param method: service and name, for example C(Maintenance.Status).
        :param endpoint: ask there and nowhere else.
        :param timeout: seconds, instead of the client's own.
        :raises TransportError: no answer; C(NoAnswer) with all the reasons after more than one endpoint.
        :raises RpcError: etcd refused.
        :raises BadInput: the request, or a certificate file, is wrong.
        """
        request = request or {}
        failures: list[EtcdError] = []
        for candidate in self._candidates(endpoint):
            try:
                answer = self._ask(candidate, method, request, self.timeout if timeout is None else timeout)
            except (TransportError, RpcError) as exc:
                failures.append(exc)
                if not _may_go_elsewhere(method, request, exc):
                    break
                continue
            self._prefer(candidate)
            return answer
        raise failures[0] if len(failures) == 1 else NoAnswer(tuple(failures))

    def stream(
        self,
        method: str,
        request: t.Mapping[str, t.Any] | None = None,
        *,
        endpoint: str | None = None,
        idle: float | None = None,
        stays_open: bool = False,
    ) -> t.Generator[protobuf.Message, None, None]:
        """The messages of a server-streaming call, over a connection of its own that is closed with the iterator.

        :param idle: the longest wait for the next message, in seconds; the client's timeout without it.
        :param stays_open: keep our half open, or etcd's gRPC proxy ends a watch and a renewal at once.
        :raises TransportError: no answer, or the stream stalled or broke.
        :raises RpcError: etcd refused, or ended the stream with an error.
        """
        idle = self.timeout if idle is None else idle
        connection = self._connect_anywhere(endpoint, idle)
        try:
            # A token of unknown age may be refused only when the stream has begun.
            self._token = None
            message = protobuf.encode(_types(method)[0], request or {})
            call = grpc.Call(method, _path(method), message, self._metadata(connection, Deadline(idle)))
            for answer in grpc.server_stream(connection, call, idle, 0 if stays_open else http2.END_STREAM):
                yield self._decoded(connection, method, answer)
        finally:
            connection.close()

    # -- cluster -------------------------------------------------------------------------------------------------

    def member_list(self, linearizable: bool = True, endpoint: str | None = None) -> MemberList:
        """The members.

        :param linearizable: agreed by a quorum; otherwise what the answering member knows (etcd 3.4: always).
        :raises Refused: a gRPC proxy answers, which lists proxies.
        """
        answer = self.call("Cluster.MemberList", {"linearizable": linearizable}, endpoint=endpoint)
        header = answer["header"]
        if header is None:
            # It makes up the list itself (server/proxy/grpcproxy/cluster.go, MemberList).
            raise Refused(
                f"{endpoint or self.endpoints[0]} is an etcd gRPC proxy: it lists proxies as members.",
                "What is said or done about members there would be about others than you mean.",
                "Give client URLs of the members, such as groups['etcd_cluster'] | quorum.etcd.endpoints",
                code="proxy-endpoint",
            )
        return MemberList(_hex(header["cluster_id"]), _hex(header["member_id"]), _members(answer))

    def member_add(self, peer_urls: t.Sequence[str], learner: bool = True) -> list[ClusterMember]:
        """Add a member that has not started.

        :returns: all members.
        """
        wanted = sorted(peer_urls)
        return self._change_members(
            "Cluster.MemberAdd",
            {"peerURLs": list(peer_urls), "isLearner": learner},
            lambda members: any(sorted(member.peer_urls) == wanted for member in members),
        )

    def member_remove(self, member_id: str) -> list[ClusterMember]:
        """Remove a member for good.

        :returns: the members that remain.
        """
        return self._change_members(
            "Cluster.MemberRemove",
            {"ID": int(member_id, 16)},
            lambda members: all(member.id != member_id for member in members),
        )

    def member_update(self, member_id: str, peer_urls: t.Sequence[str]) -> list[ClusterMember]:
        """Change the peer URLs of a member.

        :returns: all members.
        """
        wanted = sorted(peer_urls)
        return self._change_members(
            "Cluster.MemberUpdate",
            {"ID": int(member_id, 16), "peerURLs": list(peer_urls)},
            lambda members: any(m.id == member_id and sorted(m.peer_urls) == wanted for m in members),
        )

    def member_promote(self, member_id: str) -> list[ClusterMember]:
        """Make a voter of a learner.

        :returns: all members.
        """
        return self._change_members(
            "Cluster.MemberPromote",
            {"ID": int(member_id, 16)},
            lambda members: any(member.id == member_id and not member.is_learner for member in members),
        )

    # -- maintenance ---------------------------------------------------------------------------------------------

    def status(self, endpoint: str | None = None) -> Status:
        """What a member says of itself, without asking the others."""
        answer = self.call("Maintenance.Status", endpoint=endpoint)
        header, downgrade = answer["header"], answer["downgradeInfo"]
        return Status(
            cluster_id=_hex(header["cluster_id"]),
            member_id=_hex(header["member_id"]),
            version=answer["version"],
            storage_version=answer["storageVersion"],
            db_size=answer["dbSize"],
            db_size_in_use=answer["dbSizeInUse"],
            db_size_quota=answer["dbSizeQuota"],
            leader=_hex(answer["leader"]) if answer["leader"] else "",
            is_learner=answer["isLearner"],
            raft_term=answer["raftTerm"],
            raft_index=answer["raftIndex"],
            raft_applied_index=answer["raftAppliedIndex"],
            revision=header["revision"],
            errors=answer["errors"],
            downgrade=downgrade["targetVersion"] if downgrade and downgrade["enabled"] else "",
        )

    def alarms(self, endpoint: str | None = None) -> list[Alarm]:
        """The alarms that are raised."""
        answer = self.call("Maintenance.Alarm", {"action": "GET"}, endpoint=endpoint)
        return [Alarm(_hex(alarm["memberID"]), str(alarm["alarm"])) for alarm in answer["alarms"]]

    def alarm_disarm(self, member_id: str, alarm: str) -> None:
        """Disarm one alarm of one member. The alarm must be named: disarming C(NONE) succeeds and does nothing."""
        self.call("Maintenance.Alarm", {"action": "DEACTIVATE", "memberID": int(member_id, 16), "alarm": alarm})

    def hash_kv(self, revision: int = 0, endpoint: str | None = None) -> Result:
        """The hash of all keys of one member, comparable between members at equal C(revision) and C(compact_revision).

        :param revision: the newest one without it.
        :returns: C(member_id), C(hash), C(compact_revision), C(hash_revision) (3.6 and newer, else 0).
        """
        answer = self.call("Maintenance.HashKV", {"revision": revision}, endpoint=endpoint)
        return {
            "member_id": _hex(answer["header"]["member_id"]),
            "hash": answer["hash"],
            "compact_revision": answer["compact_revision"],
            "hash_revision": answer["hash_revision"],
        }

    def move_leader(self, target_id: str) -> None:
        """Hand leadership to a voter. Only the leader can: the endpoints are asked until one of them is it."""
        self.call("Maintenance.MoveLeader", {"targetID": int(target_id, 16)})

    def defragment(self, endpoint: str, timeout: float) -> None:
        """Defragment the database of one member, which answers nothing else meanwhile.

        :param timeout: seconds; the time grows with the database.
        """
        self.call("Maintenance.Defragment", endpoint=endpoint, timeout=timeout)

    def downgrade(self, action: str, version: str = "") -> None:
        """Begin or end a downgrade of the cluster by one minor. It changes no binary.

        :param action: C(VALIDATE), C(ENABLE) or C(CANCEL).
        :param version: the target, such as C(3.5.0); empty to cancel.
        """
        self.call("Maintenance.Downgrade", {"action": action, "version": version})

    def compact(
        self, revision: int, physical: bool = False, endpoint: str | None = None, timeout: float | None = None
    ) -> bool:
        """Forget what keys held before a revision.

        :param physical: wait until the member that is asked has removed it from its database. Others go on by
            themselves; each that is asked the same afterwards answers once it is done.
        :param timeout: seconds; with C(physical) the time grows with what is removed.
        :returns: whether that was still to be done.
        """
        try:
            self.call("KV.Compact", {"revision": revision, "physical": physical}, endpoint=endpoint, timeout=timeout)
        except RpcError as exc:
            if not is_compacted(exc):
                raise
            return False
        return True

    def snapshot(self, endpoint: str | None = None, idle: float | None = None) -> t.Iterator[bytes]:
        """The database of a member as the bytes of a snapshot file, which end with the 32 bytes of its SHA-256."""
        for part in self.stream("Maintenance.Snapshot", endpoint=endpoint, idle=idle):
            yield part["blob"]

    # -- keys ----------------------------------------------------------------------------------------------------

    def read(
        self,
        key: Key,
        *,
        prefix: bool = False,
        serializable: bool = False,
        revision: int = 0,
        limit: int = 0,
        endpoint: str | None = None,
        timeout: float | None = None,
    ) -> Result:
        """Read a key, or all keys that begin with it.

        :param prefix: all keys that begin with C(key); every key if it is empty.
        :param serializable: what the answering member has; otherwise linearizable, agreed by a quorum.
        :returns: C(revision) of the store, C(count) of all keys that match, C(more) beyond the limit, C(kvs): a list of
            dicts with C(key), C(value), C(create_revision), C(mod_revision), C(version), C(lease).
        """
        first = _bytes(key)
        request = {
            **(prefix_range(first) if prefix else {"key": first}),
            "serializable": serializable,
            "revision": revision,
            "limit": limit,
        }
        answer = self.call("KV.Range", request, endpoint=endpoint, timeout=timeout)
        return {
            "revision": answer["header"]["revision"],
            "count": answer["count"],
            "more": answer["more"],
            "kvs": answer["kvs"],
        }

    def count(self, revision: int = 0, endpoint: str | None = None, timeout: float | None = None) -> int:
        """How many keys there are, as the answering member has them.

        :param revision: the newest one without it.
        """
        request = {**prefix_range(b""), "count_only": True, "serializable": True, "revision": revision}
        return int(self.call("KV.Range", request, endpoint=endpoint, timeout=timeout)["count"])

    def put(self, key: Key, value: Key, lease: int = 0, timeout: float | None = None) -> int:
        """Write a key. When it is unclear whether that happened, the key is read back.

        :returns: the revision since which the key holds the value.
        :raises TransportError, RpcError: it did not happen, or, see C(outcome_unknown), might yet.
        """

        def write() -> int:
            request = {"key": _bytes(key), "value": _bytes(value), "lease": lease}
            return int(self.call("KV.Put", request, timeout=timeout)["header"]["revision"])

        def look() -> int | None:
            held = self.read(key, timeout=timeout)["kvs"]
            same = held and held[0]["value"] == _bytes(value) and held[0]["lease"] == lease
            return held[0]["mod_revision"] if same else None

        return self._made_certain(write, look)

    def delete(self, key: Key, prefix: bool = False, timeout: float | None = None) -> int:
        """Delete a key, or all keys that begin with it. When it is unclear whether that happened, they are read back.

        :returns: the revision of the store at which they are gone.
        :raises TransportError, RpcError: it did not happen, or, see C(outcome_unknown), might yet.
        """
        first = _bytes(key)

        def write() -> int:
            request = prefix_range(first) if prefix else {"key": first}
            return int(self.call("KV.DeleteRange", request, timeout=timeout)["header"]["revision"])

        def look() -> int | None:
            rest = self.read(key, prefix=prefix, limit=1, timeout=timeout)
            return None if rest["kvs"] else rest["revision"]

        return self._made_certain(write, look)

    def txn(
        self,
        compare: t.Sequence[t.Mapping[str, t.Any]],
        success: t.Sequence[t.Mapping[str, t.Any]],
        failure: t.Sequence[t.Mapping[str, t.Any]] = (),
        timeout: float | None = None,
    ) -> Result:
        """A transaction in the terms of etcd's Compare and RequestOp messages. Nothing is read back.

        :returns: C(succeeded), C(revision), C(responses) (etcd's ResponseOp messages).
        """
        request = {"compare": compare, "success": success, "failure": failure}
        answer = self.call("KV.Txn", request, timeout=timeout)
        return {
            "succeeded": answer["succeeded"],
            "revision": answer["header"]["revision"],
            "responses": answer["responses"],
        }

    # -- leases --------------------------------------------------------------------------------------------------

    def lease_grant(self, ttl: int, lease: int = 0) -> Result:
        """A lease.

        :param ttl: seconds.
        :param lease: its id; etcd chooses one if it is 0.
        :returns: C(lease) (its id, an int) and C(ttl) (seconds, which etcd may have raised).
        """
        answer = self.call("Lease.LeaseGrant", {"TTL": ttl, "ID": lease})
        return {"lease": answer["ID"], "ttl": answer["TTL"]}

    def lease_keep_alive(self, lease: int, timeout: float | None = None) -> int:
        """Renew a lease once.

        :returns: the seconds that it lasts from now on; 0 if it is gone.
        """
        return max(0, int(self.call("Lease.LeaseKeepAlive", {"ID": lease}, timeout=timeout)["TTL"]))

    def lease_revoke(self, lease: int) -> None:
        """End a lease and delete its keys. One that is gone already is no error."""
        try:
            self.call("Lease.LeaseRevoke", {"ID": lease})
        except RpcError as exc:
            if exc.name != "NotFound":
                raise

    # -- how ------------------------------------------------------------------------------------------------------

    def _made_certain(self, write: t.Callable[[], _T], look: t.Callable[[], _T | None]) -> _T:
        """Do a write; where its outcome is unknown, look whether what it should have made is there.

        To see it there is proof. Not to see it is none, since the write may still be on its way: the error stands.
        """
        try:
            return write()
        except (TransportError, RpcError) as exc:
            if not outcome_unknown(exc):
                raise
            try:
                found = look()
            except EtcdError:
                raise exc from None
            if found is None:
                raise
            return found

    def _change_members(
        self, method: str, request: t.Mapping[str, t.Any], happened: t.Callable[[list[ClusterMember]], bool]
    ) -> list[ClusterMember]:
        def look() -> list[ClusterMember] | None:
            members = self.member_list().members
            return members if happened(members) else None

        return self._made_certain(lambda: _members(self.call(method, request)), look)

    def _endpoint(self, text: str) -> Endpoint:
        return endpoint_of(text, self._tls_by_default)

    def _candidates(self, endpoint: str | None) -> list[Endpoint]:
        return list(self._endpoints) if endpoint is None else [self._endpoint(endpoint)]

    def _prefer(self, endpoint: Endpoint) -> None:
        if endpoint in self._endpoints:
            at = self._endpoints.index(endpoint)
            self._endpoints = self._endpoints[at:] + self._endpoints[:at]

    def _ask(self, endpoint: Endpoint, method: str, request: t.Mapping[str, t.Any], timeout: float) -> protobuf.Message:
        message = protobuf.encode(_types(method)[0], request)
        deadline = Deadline(timeout)
        connection = self._connection(endpoint, deadline)
        call = grpc.Call(method, _path(method), message, self._metadata(connection, deadline))
        for left in reversed(range(_TRIES)):
            try:
                return self._decoded(connection, method, grpc.unary(connection, call, deadline))
            except RpcError as exc:
                # A login helps once; a certificate says by itself who asks.
                logs_in = self._credentials.username and left == _TRIES - 1
                again = _LOGIN_AGAIN if logs_in else _LOGIN_AGAIN[-1:]
                if not left or not any(text in exc.detail for text in again):
                    raise
            self._token = None
            call = call._replace(metadata=self._metadata(connection, deadline))
        raise AssertionError

    def _decoded(self, connection: http2.Connection, method: str, answer: bytes) -> protobuf.Message:
        with grpc.named(connection, method):
            return protobuf.decode(_types(method)[1], answer)

    def _connection(self, endpoint: Endpoint, deadline: Deadline) -> http2.Connection:
        connection = self._connections.pop(endpoint, None)
        if connection is None or not connection.usable():
            connection = http2.connect(self._dialer, endpoint, deadline)
        self._connections[endpoint] = connection
        return connection

    def _connect_anywhere(self, endpoint: str | None, timeout: float) -> http2.Connection:
        failures: list[EtcdError] = []
        for candidate in self._candidates(endpoint):
            try:
                return http2.connect(self._dialer, candidate, Deadline(timeout))
            except TransportError as exc:
                failures.append(exc)
        raise failures[0] if len(failures) == 1 else NoAnswer(tuple(failures))

    def _metadata(self, connection: http2.Connection, deadline: Deadline) -> tuple[tuple[str, str], ...]:
        if not self._credentials.username:
            return ()
        if self._token is None:
            self._token = self._login_anywhere(connection, deadline)
        return (("token", self._token),) if self._token else ()

    def _login_anywhere(self, connection: http2.Connection, deadline: Deadline) -> str:
        try:
            return self._login(connection, deadline)
        except RpcError as exc:
            if _NO_LOGIN_HERE not in exc.detail:
                raise
        for other in self._endpoints:
            if other != connection.endpoint:
                with contextlib.suppress(TransportError, RpcError):
                    token = self._login(self._connection(other, deadline), deadline)
                    time.sleep(min(_REPLICATION, deadline.left()))
                    return token
        # What a learner may tell anybody, its status before etcd 3.6, is still worth asking.
        return ""

    def _login(self, connection: http2.Connection, deadline: Deadline) -> str:
        """A token, empty while authentication is off. The credentials are right for the time when it is on."""
        method = "Auth.Authenticate"
        request = {"name": self._credentials.username, "password": self._credentials.password or ""}
        call = grpc.Call(method, _path(method), protobuf.encode(_types(method)[0], request))
        try:
            answer = grpc.unary(connection, call, deadline)
        except TransportError as exc:
            # Whatever the token was for has not been sent.
            raise TransportError(exc.endpoint, exc.message) from exc
        except RpcError as exc:
            if _NO_LOGIN_NEEDED in exc.detail:
                return ""
            raise
        return str(self._decoded(connection, method, answer)["token"])


def _may_go_elsewhere(method: str, request: t.Mapping[str, t.Any], error: EtcdError) -> bool:
    service, name = method.split(".")
    harmless = name in _REPEATABLE.get(service, ()) or (name == "Alarm" and request.get("action", "GET") == "GET")
    if isinstance(error, TransportError):
        return harmless or not error.sent
    if not isinstance(error, RpcError):
        return False
    if any(text in error.detail for text in _ANOTHER_MIGHT):
        return True
    return (harmless or error.call == "Auth.Authenticate") and outcome_unknown(error)


def _types(method: str) -> tuple[str, str]:
    service, name = method.split(".")
    return SERVICES[service][name]


def _path(method: str) -> str:
    service, name = method.split(".")
    return f"/etcdserverpb.{service}/{name}"


def _hex(number: int) -> str:
    return f"{number:x}"


def _bytes(text: Key) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else text


def prefix_range(prefix: bytes) -> dict[str, bytes]:
    """The keys that begin with C(prefix), as etcd's Range means them: a zero byte ends the range at the last key."""
    stem = prefix.rstrip(b"\xff")
    end = stem[:-1] + bytes((stem[-1] + 1,)) if stem else b"\0"
    return {"key": prefix or b"\0", "range_end": end}


def _members(answer: t.Mapping[str, t.Any]) -> list[ClusterMember]:
    return [
        ClusterMember(_hex(one["ID"]), one["name"], one["peerURLs"], one["clientURLs"], one["isLearner"])
        for one in answer["members"]
    ]
