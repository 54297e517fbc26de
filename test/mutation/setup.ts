import fc from 'fast-check';

// A failure is enough: nobody reads the shortest one.
fc.configureGlobal({ endOnFailure: true });
