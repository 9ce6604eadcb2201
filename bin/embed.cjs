/** What `require("troikamq")` is: the same library, loaded with the first call, on every Node that can run it. */
exports.startBroker = async (options) => {
  const { startBroker } = await import("./embed.js");
  return startBroker(options);
};
