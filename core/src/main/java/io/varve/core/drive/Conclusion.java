package io.varve.core.drive;

/** How a backup ended. */
public sealed interface Conclusion {
    /**
     * The archive's decision says committed: the cut's bits may go.
     *
     * @param anchor what the bitmaps of the mark are anchored to
     */
    record Committed(Anchor anchor) implements Conclusion {}

    /** A backup to a file was written whole: the cut's bits may go, and with them the bitmap's anchor. */
    record Written() implements Conclusion {}

    /** The archive's decision says aborted. */
    record Aborted(String reason) implements Conclusion {}

    /** It failed at this agent; an archive backup stays undecided until its decision is known. */
    record Failed(String reason) implements Conclusion {}

    /** It was cancelled; an archive backup stays undecided until its decision is known. */
    record Cancelled() implements Conclusion {}
}
