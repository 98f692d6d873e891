// RTMPTests
