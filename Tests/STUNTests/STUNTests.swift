// STUNTests
