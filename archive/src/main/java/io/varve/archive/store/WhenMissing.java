package io.varve.archive.store;

/** What to do about a bucket or folder that isn't there when it's opened. */
public enum WhenMissing {
    /** Make it. */
    CREATE,
    /** Say so; a mistyped name must not become an archive. */
    REFUSE
}
