package io.varve.capture.job;

import io.varve.core.drive.BackupTarget;
import io.varve.core.transaction.Action;
import java.util.Optional;

/** One action of a transaction, with what the agent's planner needn't know of a backup. */
public sealed interface JobAction {
    /** What the planner knows. */
    Action action();

    /** Any of those that only the planner carries out. */
    record Plain(Action action) implements JobAction {}

    /**
     * A backup, which becomes a job.
     *
     * @param id the job's; the device's name when empty
     */
    record Backup(Action.Backup action, Optional<String> id, Target target, JobTerms terms) implements JobAction {
        /** With the terms that hold when nobody says any. */
        public Backup(Action.Backup action, Optional<String> id, Target target) {
            this(action, id, target, JobTerms.DEFAULT);
        }

        public Backup {
            boolean isOfArchive = target instanceof Target.Archive;
            if (isOfArchive != (action.target() == BackupTarget.ARCHIVE)) {
                throw new IllegalArgumentException("a target of the archive's in one and of a file in the other");
            }
        }
    }

    /**
     * A blockdev-snapshot-sync: a new image over a node.
     *
     * @param device or a node's name
     * @param overlayName of the node that comes; made for it when empty
     * @param format QEMU's name of it
     */
    record Snapshot(
            Optional<String> device,
            Optional<String> nodeName,
            String file,
            Optional<String> overlayName,
            String format,
            Mode mode)
            implements JobAction {
        @Override
        public Action action() {
            return new Action.Opaque("blockdev-snapshot-sync");
        }
    }

    /** A blockdev-snapshot: a node that's there comes over another one, or over a device's. */
    record Overlay(String node, String overlay) implements JobAction {
        @Override
        public Action action() {
            return new Action.Opaque("blockdev-snapshot");
        }
    }

    /** Where a backup goes. */
    sealed interface Target {
        /** The sinks write it. */
        record Archive() implements Target {}

        /**
         * This agent writes a file.
         *
         * @param format QEMU's name of it; the drive's own when empty. Nothing is ever probed
         */
        record File(String path, Optional<String> format, Mode mode) implements Target {}

        /** This agent writes a node. */
        record Node(String name) implements Target {}
    }

    /** QMP's NewImageMode. */
    enum Mode {
        /** The file is made, or made anew. */
        ABSOLUTE_PATHS,
        /** It was prepared, and says what it is. */
        EXISTING
    }
}
