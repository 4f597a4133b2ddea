/** main: `npm run bench`. */
console.log("no rows yet")
