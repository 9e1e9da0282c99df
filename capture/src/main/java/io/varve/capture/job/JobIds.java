package io.varve.capture.job;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** QEMU's rules for the ids of jobs. */
final class JobIds {
    private static final Pattern WELL_FORMED = Pattern.compile("[a-zA-Z][a-zA-Z0-9._-]*");

    private JobIds() {}

    /** Why not all of these may start; empty when they may. */
    static Optional<String> objection(List<JobAction.Backup> backups, JobTable running) {
        Set<String> taken = new HashSet<>();
        for (JobAction.Backup backup : backups) {
            String id = backup.jobId();
            boolean isDevice = id.equals(backup.action().node());
            if (!isDevice && !WELL_FORMED.matcher(id).matches()) {
                return Optional.of("Invalid job ID '" + id + "'");
            }
            if (running.find(id).isPresent() || !taken.add(id)) {
                return Optional.of("Job ID '" + id + "' already in use");
            }
        }
        return Optional.empty();
    }
}
