// RTMPServiceTests
