export const redisMemoryPrefix = "redis/memory/";
