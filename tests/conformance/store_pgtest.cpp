// The conformance suite on PostgreSQL.
#include "strata/testing/conformance/store_conformance.h"
#include "tests/conformance/store_harnesses.h"

STRATA_INSTANTIATE_STORE_CONFORMANCE(Postgres, PostgresHarness<ConformanceRecordHarness>,
                                     PostgresHarness<ConformancePairHarness>);
