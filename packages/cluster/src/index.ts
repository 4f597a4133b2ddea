/** The same service on many machines. */
export * as Cluster from "./Cluster.js"
export * as ClusterConfig from "./ClusterConfig.js"
export { shardOf } from "./Membership.js"
export * as NodeAddress from "./NodeAddress.js"
export type * as NodeInspections from "./NodeInspections.js"
export * as PeerServer from "./PeerServer.js"
export * as PostgresNode from "./PostgresNode.js"
