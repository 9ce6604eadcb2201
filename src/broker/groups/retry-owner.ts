/** The consumer that holds the entries of a group that wait for their next delivery. No client can be a consumer of that name. */
export const retryOwnerName = "troika.retry";
