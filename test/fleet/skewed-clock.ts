// Preloaded: the clock of this process is a minute off, and its uptime isn't.
const { now } = Date;
Date.now = () => now() + Number(process.env.CLOCK_OFF_MS);
