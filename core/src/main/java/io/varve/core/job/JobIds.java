package io.varve.core.job;

import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** QEMU's rules for the ids of jobs. */
public final class JobIds {
    private static final Pattern WELL_FORMED = Pattern.compile("[a-zA-Z][a-zA-Z0-9._-]*");

    private JobIds() {}

    /**
     * Why a job can't have this id, in QEMU's words; empty when it can.
     *
     * @param given the user's choice; empty for the device's name, which was looked at when the device was made
     * @param device the device's name, empty where the node is of no device
     * @param taken whether a job that isn't gone has it
     */
    public static Optional<String> objection(Optional<String> given, String device, Predicate<String> taken) {
        String id = given.orElse(device);
        if (id.isEmpty() || (given.isPresent() && !WELL_FORMED.matcher(id).matches())) {
            return Optional.of("Invalid job ID '" + id + "'");
        }
        return taken.test(id) ? Optional.of("Job ID '" + id + "' already in use") : Optional.empty();
    }
}
