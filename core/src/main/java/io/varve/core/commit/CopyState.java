package io.varve.core.commit;

/** How far one drive of a unit is. */
public sealed interface CopyState {
    /**
     * A task has been sent.
     *
     * @param attempt the last one sent
     */
    record Sent(Part part, int attempt) implements CopyState {}

    /** All of its objects are in the archive. */
    record InArchive(ManifestRef manifest) implements CopyState {}
}
