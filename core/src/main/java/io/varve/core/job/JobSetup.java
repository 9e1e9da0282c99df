package io.varve.core.job;

/**
 * What a job was made with.
 *
 * @param id unique among the jobs that aren't gone
 */
public record JobSetup(String id, JobType type, Endings endings, ErrorPolicies errors, Settling settling) {
    /** Whether the last steps need a user's word. */
    public record Endings(boolean autoFinalize, boolean autoDismiss) {
        public static final Endings AUTOMATIC = new Endings(true, true);
    }

    /** What to do when the copy meets an error. */
    public record ErrorPolicies(ErrorPolicy onSourceError, ErrorPolicy onTargetError) {
        public static final ErrorPolicies REPORT = new ErrorPolicies(ErrorPolicy.REPORT, ErrorPolicy.REPORT);

        /** The one for an error of {@code operation}: a source is read, a target is written. */
        public ErrorPolicy of(Operation operation) {
            return switch (operation) {
                case READ -> onSourceError;
                case WRITE -> onTargetError;
            };
        }
    }

    /** Who says how it ended. */
    public enum Settling {
        /** The group: it asks for {@link JobEffect.Prepare}, and for {@link JobEffect.Conclude}. */
        HERE,
        /** Somebody else, as the archive's decision does, or there is nothing to settle: it asks for neither. */
        ELSEWHERE
    }

    /** A backup to a file of this agent's, as QMP's defaults have it. */
    public static JobSetup backup(String id) {
        return new JobSetup(id, JobType.BACKUP, Endings.AUTOMATIC, ErrorPolicies.REPORT, Settling.HERE);
    }

    /** An image's creation, whose result is there until the user dismisses it. */
    public static JobSetup create(String id) {
        return new JobSetup(id, JobType.CREATE, new Endings(true, false), ErrorPolicies.REPORT, Settling.ELSEWHERE);
    }

    public JobSetup with(Endings other) {
        return new JobSetup(id, type, other, errors, settling);
    }

    public JobSetup with(ErrorPolicies other) {
        return new JobSetup(id, type, endings, other, settling);
    }

    public JobSetup with(Settling other) {
        return new JobSetup(id, type, endings, errors, other);
    }
}
