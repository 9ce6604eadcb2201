/** The names by which AMQP consumers hold records of a group begin so. No Redis client can be a consumer of such a name. */
export const memberPrefix = "troika.amqp:";
