/** A module in CommonJS. */
exports.length = (text) => text.length;
