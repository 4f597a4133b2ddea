/**
 * OperationId: the ids of claims. The claim of an update is named after its request; a follow-up claim after the
 * request that started the chain and the version that made the claim. So ids are unique, and the same decision gives
 * the same id.
 */

/** The operation of an update's own claim. */
export const ofRequest = (requestId: string): string => `op_${requestId}`

/** The operation of a follow-up claim: `origin` is the request, or the operation before. */
export const following = (origin: string, version: number): string => `op_${requestOf(origin)}-${version}`

/** The request that started an operation. */
export const requestOf = (operationId: string): string => operationId.replace(/^op_/, "").replace(/-\d+$/, "")

/** Whether an operation was claimed as a follow-up. */
export const isFollowUp = (operationId: string): boolean => /-\d+$/.test(operationId)

/** The work key of an operation whose state has none. */
export const workKeyOf = (operationId: string): string => `work_${operationId.replace(/^op_/, "")}`
