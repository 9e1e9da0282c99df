package io.varve.cli.rules;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import java.time.Clock;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Lock;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What keeps the core a pure function, and the rest of the code replayable. */
class PurityRulesTest {

    private static final String[] PURE = {ProjectModule.CORE.packages(), ProjectModule.FORMATS.packages()};
    private static final Pattern CLOCK =
            Pattern.compile("java\\.lang\\.System\\.(currentTimeMillis|nanoTime)|java\\.time\\.\\w+\\.now");
    private static final Set<String> CHANCE = Set.of(
            "java.lang.Math.random",
            "java.util.UUID.randomUUID",
            "java.util.Random.<init>",
            "java.security.SecureRandom.<init>",
            "java.util.concurrent.ThreadLocalRandom.current");
    private static final Pattern PROCESS =
            Pattern.compile("java\\.lang\\.System\\.(exit|getenv)|java\\.lang\\.Runtime\\.(exit|halt)");

    @Test
    void shouldKeepInputAndOutputOutOfPureModules() {
        noClasses()
                .that()
                .resideInAnyPackage(PURE)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "java.io", "java.net..", "java.nio.channels..", "java.nio.file..", "java.util.logging")
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldKeepThreadsAndClocksAndLoggersOutOfPureModules() {
        noClasses()
                .that()
                .resideInAnyPackage(PURE)
                .should()
                .dependOnClassesThat(assignableToAny(
                        Thread.class,
                        Executor.class,
                        Lock.class,
                        CompletableFuture.class,
                        Clock.class,
                        Random.class,
                        System.Logger.class))
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldTakeTimeAsAParameter() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ProjectModule.CLI.packages())
                .and()
                .haveSimpleNameNotEndingWith("Main")
                .should()
                // A reference to a method hides a call of it.
                .accessTargetWhere(accesses("read the clock", CLOCK))
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldTakeChanceAsAParameter() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ProjectModule.CLI.packages())
                .and()
                .haveSimpleNameNotEndingWith("Main")
                .should()
                .callCodeUnitWhere(DescribedPredicate.describe("draw by chance", call -> CHANCE.contains(called(call))))
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldLeaveTheProcessToMainClasses() {
        noClasses()
                .that()
                .haveSimpleNameNotEndingWith("Main")
                .should()
                .callCodeUnitWhere(calls("end the process or read its environment", PROCESS))
                .check(ProjectClasses.ALL);
    }

    private static DescribedPredicate<JavaCall<?>> calls(String description, Pattern names) {
        return DescribedPredicate.describe(
                description, call -> names.matcher(called(call)).matches());
    }

    private static DescribedPredicate<JavaAccess<?>> accesses(String description, Pattern names) {
        return DescribedPredicate.describe(
                description,
                access -> names.matcher(access.getTargetOwner().getFullName() + "." + access.getName())
                        .matches());
    }

    private static String called(JavaCall<?> call) {
        return call.getTargetOwner().getFullName() + "." + call.getName();
    }

    private static DescribedPredicate<JavaClass> assignableToAny(Class<?>... types) {
        return DescribedPredicate.describe(
                "are threads, locks, clocks, random sources or loggers",
                each -> Stream.of(types).anyMatch(each::isAssignableTo));
    }
}
