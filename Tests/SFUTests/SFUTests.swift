// SFUTests
