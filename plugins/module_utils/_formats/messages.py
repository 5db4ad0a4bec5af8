# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""etcd's services, messages and enumerations, as its .proto files declare them (api/etcdserverpb/rpc.proto,
api/mvccpb/kv.proto, api/authpb/auth.proto of etcd 3.7; older servers know a subset, under the same numbers).

Each field is written C(number type name); C(type*) is repeated, C(type?) a member of a oneof.
"""

from __future__ import annotations

SERVICES = {
    "KV": {
        "Range": ("RangeRequest", "RangeResponse"),
        "Put": ("PutRequest", "PutResponse"),
        "DeleteRange": ("DeleteRangeRequest", "DeleteRangeResponse"),
        "Txn": ("TxnRequest", "TxnResponse"),
        "Compact": ("CompactionRequest", "CompactionResponse"),
        "RangeStream": ("RangeRequest", "RangeStreamResponse"),
    },
    "Watch": {
        "Watch": ("WatchRequest", "WatchResponse"),
    },
    "Lease": {
        "LeaseGrant": ("LeaseGrantRequest", "LeaseGrantResponse"),
        "LeaseRevoke": ("LeaseRevokeRequest", "LeaseRevokeResponse"),
        "LeaseKeepAlive": ("LeaseKeepAliveRequest", "LeaseKeepAliveResponse"),
        "LeaseTimeToLive": ("LeaseTimeToLiveRequest", "LeaseTimeToLiveResponse"),
        "LeaseLeases": ("LeaseLeasesRequest", "LeaseLeasesResponse"),
    },
    "Cluster": {
        "MemberAdd": ("MemberAddRequest", "MemberAddResponse"),
        "MemberRemove": ("MemberRemoveRequest", "MemberRemoveResponse"),
        "MemberUpdate": ("MemberUpdateRequest", "MemberUpdateResponse"),
        "MemberList": ("MemberListRequest", "MemberListResponse"),
        "MemberPromote": ("MemberPromoteRequest", "MemberPromoteResponse"),
    },
    "Maintenance": {
        "Alarm": ("AlarmRequest", "AlarmResponse"),
        "Status": ("StatusRequest", "StatusResponse"),
        "Defragment": ("DefragmentRequest", "DefragmentResponse"),
        "Hash": ("HashRequest", "HashResponse"),
        "HashKV": ("HashKVRequest", "HashKVResponse"),
        "Snapshot": ("SnapshotRequest", "SnapshotResponse"),
        "MoveLeader": ("MoveLeaderRequest", "MoveLeaderResponse"),
        "Downgrade": ("DowngradeRequest", "DowngradeResponse"),
    },
    "Auth": {
        "AuthEnable": ("AuthEnableRequest", "AuthEnableResponse"),
        "AuthDisable": ("AuthDisableRequest", "AuthDisableResponse"),
        "Authenticate": ("AuthenticateRequest", "AuthenticateResponse"),
        "UserAdd": ("AuthUserAddRequest", "AuthUserAddResponse"),
        "UserGet": ("AuthUserGetRequest", "AuthUserGetResponse"),
        "UserList": ("AuthUserListRequest", "AuthUserListResponse"),
        "UserDelete": ("AuthUserDeleteRequest", "AuthUserDeleteResponse"),
        "UserChangePassword": ("AuthUserChangePasswordRequest", "AuthUserChangePasswordResponse"),
        "UserGrantRole": ("AuthUserGrantRoleRequest", "AuthUserGrantRoleResponse"),
        "UserRevokeRole": ("AuthUserRevokeRoleRequest", "AuthUserRevokeRoleResponse"),
        "RoleAdd": ("AuthRoleAddRequest", "AuthRoleAddResponse"),
        "RoleGet": ("AuthRoleGetRequest", "AuthRoleGetResponse"),
        "RoleList": ("AuthRoleListRequest", "AuthRoleListResponse"),
        "RoleDelete": ("AuthRoleDeleteRequest", "AuthRoleDeleteResponse"),
        "RoleGrantPermission": ("AuthRoleGrantPermissionRequest", "AuthRoleGrantPermissionResponse"),
        "RoleRevokePermission": ("AuthRoleRevokePermissionRequest", "AuthRoleRevokePermissionResponse"),
        "AuthStatus": ("AuthStatusRequest", "AuthStatusResponse"),
    },
}

MESSAGES = {
    "ResponseHeader": "1 uint64 cluster_id; 2 uint64 member_id; 3 int64 revision; 4 uint64 raft_term",
    "RangeRequest": (
        "1 bytes key; 2 bytes range_end; 3 int64 limit; 4 int64 revision; 5 RangeRequest.SortOrder sort_order; "
        "6 RangeRequest.SortTarget sort_target; 7 bool serializable; 8 bool keys_only; 9 bool count_only; "
        "10 int64 min_mod_revision; 11 int64 max_mod_revision; 12 int64 min_create_revision; "
        "13 int64 max_create_revision"
    ),
    "RangeResponse": "1 ResponseHeader header; 2 mvccpb.KeyValue* kvs; 3 bool more; 4 int64 count",
    "PutRequest": (
        "1 bytes key; 2 bytes value; 3 int64 lease; 4 bool prev_kv; 5 bool ignore_value; 6 bool ignore_lease"
    ),
    "PutResponse": "1 ResponseHeader header; 2 mvccpb.KeyValue prev_kv",
    "DeleteRangeRequest": "1 bytes key; 2 bytes range_end; 3 bool prev_kv",
    "DeleteRangeResponse": "1 ResponseHeader header; 2 int64 deleted; 3 mvccpb.KeyValue* prev_kvs",
    "RequestOp": (
        "1 RangeRequest? request_range; 2 PutRequest? request_put; 3 DeleteRangeRequest? request_delete_range; "
        "4 TxnRequest? request_txn"
    ),
    "ResponseOp": (
        "1 RangeResponse? response_range; 2 PutResponse? response_put; "
        "3 DeleteRangeResponse? response_delete_range; 4 TxnResponse? response_txn"
    ),
    "Compare": (
        "1 Compare.CompareResult result; 2 Compare.CompareTarget target; 3 bytes key; 4 int64? version; "
        "5 int64? create_revision; 6 int64? mod_revision; 7 bytes? value; 8 int64? lease; 64 bytes range_end"
    ),
    "TxnRequest": "1 Compare* compare; 2 RequestOp* success; 3 RequestOp* failure",
    "TxnResponse": "1 ResponseHeader header; 2 bool succeeded; 3 ResponseOp* responses",
    "CompactionRequest": "1 int64 revision; 2 bool physical",
    "CompactionResponse": "1 ResponseHeader header",
    "HashRequest": "",
    "HashKVRequest": "1 int64 revision",
    "HashKVResponse": "1 ResponseHeader header; 2 uint32 hash; 3 int64 compact_revision; 4 int64 hash_revision",
    "HashResponse": "1 ResponseHeader header; 2 uint32 hash",
    "SnapshotRequest": "",
    "SnapshotResponse": "1 ResponseHeader header; 2 uint64 remaining_bytes; 3 bytes blob; 4 string version",
    "WatchRequest": (
        "1 WatchCreateRequest? create_request; 2 WatchCancelRequest? cancel_request; "
        "3 WatchProgressRequest? progress_request"
    ),
    "WatchCreateRequest": (
        "1 bytes key; 2 bytes range_end; 3 int64 start_revision; 4 bool progress_notify; "
        "5 WatchCreateRequest.FilterType* filters; 6 bool prev_kv; 7 int64 watch_id; 8 bool fragment"
    ),
    "WatchCancelRequest": "1 int64 watch_id",
    "WatchProgressRequest": "",
    "WatchResponse": (
        "1 ResponseHeader header; 2 int64 watch_id; 3 bool created; 4 bool canceled; 5 int64 compact_revision; "
        "6 string cancel_reason; 7 bool fragment; 11 mvccpb.Event* events"
    ),
    "LeaseGrantRequest": "1 int64 TTL; 2 int64 ID",
    "LeaseGrantResponse": "1 ResponseHeader header; 2 int64 ID; 3 int64 TTL; 4 string error",
    "LeaseRevokeRequest": "1 int64 ID",
    "LeaseRevokeResponse": "1 ResponseHeader header",
    "LeaseCheckpoint": "1 int64 ID; 2 int64 remaining_TTL",
    "LeaseCheckpointRequest": "1 LeaseCheckpoint* checkpoints",
    "LeaseCheckpointResponse": "1 ResponseHeader header",
    "LeaseKeepAliveRequest": "1 int64 ID",
    "LeaseKeepAliveResponse": "1 ResponseHeader header; 2 int64 ID; 3 int64 TTL",
    "LeaseTimeToLiveRequest": "1 int64 ID; 2 bool keys",
    "LeaseTimeToLiveResponse": "1 ResponseHeader header; 2 int64 ID; 3 int64 TTL; 4 int64 grantedTTL; 5 bytes* keys",
    "LeaseLeasesRequest": "",
    "LeaseStatus": "1 int64 ID",
    "LeaseLeasesResponse": "1 ResponseHeader header; 2 LeaseStatus* leases",
    "Member": "1 uint64 ID; 2 string name; 3 string* peerURLs; 4 string* clientURLs; 5 bool isLearner",
    "MemberAddRequest": "1 string* peerURLs; 2 bool isLearner",
    "MemberAddResponse": "1 ResponseHeader header; 2 Member member; 3 Member* members",
    "MemberRemoveRequest": "1 uint64 ID",
    "MemberRemoveResponse": "1 ResponseHeader header; 2 Member* members",
    "MemberUpdateRequest": "1 uint64 ID; 2 string* peerURLs",
    "MemberUpdateResponse": "1 ResponseHeader header; 2 Member* members",
    "MemberListRequest": "1 bool linearizable",
    "MemberListResponse": "1 ResponseHeader header; 2 Member* members",
    "MemberPromoteRequest": "1 uint64 ID",
    "MemberPromoteResponse": "1 ResponseHeader header; 2 Member* members",
    "DefragmentRequest": "",
    "DefragmentResponse": "1 ResponseHeader header",
    "MoveLeaderRequest": "1 uint64 targetID",
    "MoveLeaderResponse": "1 ResponseHeader header",
    "AlarmRequest": "1 AlarmRequest.AlarmAction action; 2 uint64 memberID; 3 AlarmType alarm",
    "AlarmMember": "1 uint64 memberID; 2 AlarmType alarm",
    "AlarmResponse": "1 ResponseHeader header; 2 AlarmMember* alarms",
    "StatusRequest": "",
    "StatusResponse": (
        "1 ResponseHeader header; 2 string version; 3 int64 dbSize; 4 uint64 leader; 5 uint64 raftIndex; "
        "6 uint64 raftTerm; 7 uint64 raftAppliedIndex; 8 string* errors; 9 int64 dbSizeInUse; 10 bool isLearner; "
        "11 string storageVersion; 12 int64 dbSizeQuota; 13 DowngradeInfo downgradeInfo"
    ),
    "AuthEnableRequest": "",
    "AuthDisableRequest": "",
    "AuthenticateRequest": "1 string name; 2 string password",
    "AuthUserAddRequest": "1 string name; 2 string password; 3 authpb.UserAddOptions options; 4 string hashedPassword",
    "AuthUserGetRequest": "1 string name",
    "AuthUserDeleteRequest": "1 string name",
    "AuthUserChangePasswordRequest": "1 string name; 2 string password; 3 string hashedPassword",
    "AuthUserGrantRoleRequest": "1 string user; 2 string role",
    "AuthUserRevokeRoleRequest": "1 string name; 2 string role",
    "AuthRoleAddRequest": "1 string name",
    "AuthRoleGetRequest": "1 string role",
    "AuthUserListRequest": "",
    "AuthRoleListRequest": "",
    "AuthRoleDeleteRequest": "1 string role",
    "AuthRoleGrantPermissionRequest": "1 string name; 2 authpb.Permission perm",
    "AuthRoleRevokePermissionRequest": "1 string role; 2 bytes key; 3 bytes range_end",
    "AuthEnableResponse": "1 ResponseHeader header",
    "AuthDisableResponse": "1 ResponseHeader header",
    "AuthenticateResponse": "1 ResponseHeader header; 2 string token",
    "AuthUserAddResponse": "1 ResponseHeader header",
    "AuthUserGetResponse": "1 ResponseHeader header; 2 string* roles",
    "AuthUserDeleteResponse": "1 ResponseHeader header",
    "AuthUserChangePasswordResponse": "1 ResponseHeader header",
    "AuthUserGrantRoleResponse": "1 ResponseHeader header",
    "AuthUserRevokeRoleResponse": "1 ResponseHeader header",
    "AuthRoleAddResponse": "1 ResponseHeader header",
    "AuthRoleGetResponse": "1 ResponseHeader header; 2 authpb.Permission* perm",
    "AuthRoleListResponse": "1 ResponseHeader header; 2 string* roles",
    "AuthUserListResponse": "1 ResponseHeader header; 2 string* users",
    "AuthRoleDeleteResponse": "1 ResponseHeader header",
    "AuthRoleGrantPermissionResponse": "1 ResponseHeader header",
    "AuthRoleRevokePermissionResponse": "1 ResponseHeader header",
    "mvccpb.KeyValue": (
        "1 bytes key; 2 int64 create_revision; 3 int64 mod_revision; 4 int64 version; 5 bytes value; 6 int64 lease"
    ),
    "mvccpb.Event": "1 mvccpb.Event.EventType type; 2 mvccpb.KeyValue kv; 3 mvccpb.KeyValue prev_kv",
    "authpb.UserAddOptions": "1 bool no_password",
    "authpb.User": "1 bytes name; 2 bytes password; 3 string* roles; 4 authpb.UserAddOptions options",
    "authpb.Permission": "1 authpb.Permission.Type permType; 2 bytes key; 3 bytes range_end",
    "authpb.Role": "1 bytes name; 2 authpb.Permission* keyPermission",
    "DowngradeRequest": "1 DowngradeRequest.DowngradeAction action; 2 string version",
    "DowngradeResponse": "1 ResponseHeader header; 2 string version",
    "AuthStatusRequest": "",
    "AuthStatusResponse": "1 ResponseHeader header; 2 bool enabled; 3 uint64 authRevision",
    "DowngradeVersionTestRequest": "1 string ver",
    "DowngradeInfo": "1 bool enabled; 2 string targetVersion",
    "RangeStreamResponse": "1 RangeResponse range_response",
    # Of the write-ahead log (server/storage/wal/walpb/record.proto, api/etcdserverpb/etcdserver.proto; raft.proto).
    "walpb.Record": "1 int64 type; 2 uint32 crc; 3 bytes data",
    "walpb.Metadata": "1 uint64 NodeID; 2 uint64 ClusterID",
    "walpb.Snapshot": "1 uint64 index; 2 uint64 term",
    "raftpb.Entry": "1 int32 type; 2 uint64 term; 3 uint64 index; 4 bytes data",
    "raftpb.HardState": "1 uint64 term; 2 uint64 vote; 3 uint64 commit",
    "raftpb.ConfChange": "1 uint64 id; 2 int32 type; 3 uint64 node_id",
}

ENUMS = {
    "RangeRequest.SortOrder": ("NONE", "ASCEND", "DESCEND"),
    "RangeRequest.SortTarget": ("KEY", "VERSION", "CREATE", "MOD", "VALUE"),
    "Compare.CompareResult": ("EQUAL", "GREATER", "LESS", "NOT_EQUAL"),
    "Compare.CompareTarget": ("VERSION", "CREATE", "MOD", "VALUE", "LEASE"),
    "WatchCreateRequest.FilterType": ("NOPUT", "NODELETE"),
    "AlarmType": ("NONE", "NOSPACE", "CORRUPT"),
    "AlarmRequest.AlarmAction": ("GET", "ACTIVATE", "DEACTIVATE"),
    "mvccpb.Event.EventType": ("PUT", "DELETE"),
    "authpb.Permission.Type": ("READ", "WRITE", "READWRITE"),
    "DowngradeRequest.DowngradeAction": ("VALIDATE", "ENABLE", "CANCEL"),
}
