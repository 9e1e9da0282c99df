package io.varve.core.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.varve.core.job.JobTable.ErrorClass;
import io.varve.core.job.JobTable.Lookup;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JobTableTest {
    private final JobTable<JobSetup> table = new JobTable<>(JobSetup::type);

    @Test
    void shouldFindJobsAsEachFamilyOfCommandsDoes() {
        JobSetup backup = JobSetup.backup("b");
        JobSetup create = JobSetup.create("c");
        table.add("b", backup);
        table.add("c", create);

        assertEquals(new Lookup.Found<>(backup), table.job("b"));
        assertEquals(new Lookup.Found<>(create), table.job("c"));
        assertEquals(new Lookup.Found<>(backup), table.blockJob("b"));
        assertEquals(
                new Lookup.Missing<>(ErrorClass.DEVICE_NOT_ACTIVE, "Block job 'c' not found"), table.blockJob("c"));
        assertEquals(new Lookup.Missing<>(ErrorClass.GENERIC_ERROR, "Job not found"), table.job("zz"));
        assertEquals(List.of(create, backup), table.newestFirst());
    }

    @Test
    void shouldKeepAnIdUntilItIsFreed() {
        table.add("b", JobSetup.backup("b"));

        assertThrows(IllegalArgumentException.class, () -> table.add("b", JobSetup.backup("b")));
        table.remove("b");

        assertFalse(table.has("b"));
    }

    @Test
    void shouldObjectToIdsInQemusWords() {
        assertEquals(Optional.of("Invalid job ID '1bad'"), objection("1bad"));
        assertEquals(Optional.of("Invalid job ID ''"), objection(""));
        assertEquals(Optional.of("Invalid job ID 'a b'"), objection("a b"));
        assertEquals(Optional.of("Job ID 'taken' already in use"), objection("taken"));
        assertEquals(Optional.empty(), objection("A-z_0.9"));
        assertEquals(Optional.of("Invalid job ID ''"), JobIds.objection(Optional.empty(), "", "taken"::equals));
        assertEquals(Optional.empty(), JobIds.objection(Optional.empty(), "drive0", "taken"::equals));
        assertEquals(
                Optional.of("Job ID 'taken' already in use"),
                JobIds.objection(Optional.empty(), "taken", "taken"::equals));
    }

    private static Optional<String> objection(String given) {
        return JobIds.objection(Optional.of(given), "drive0", "taken"::equals);
    }
}
