// RTMPService
