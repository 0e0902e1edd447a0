// A worker that fails while it is loaded.

throw new Error("this worker is broken");
