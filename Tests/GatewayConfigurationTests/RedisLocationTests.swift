import Primitives
import Testing

@testable import GatewayConfiguration

@Suite("Addresses of a Redis")
struct RedisLocationTests {
    @Test func `every part that may be left out has its usual value`() throws {
        let short = try RedisLocation(parsing: "redis://cache")
        #expect(short.host == "cache")
        #expect(short.port == 6379)
        #expect(short.user == nil)
        #expect(short.password == nil)
        #expect(short.database == 0)
    }

    @Test(arguments: [
        ("redis://anna:p%40ss@10.0.0.5:7000/3", "anna", "p@ss"), ("redis://:p%40ss@10.0.0.5:7000/3", nil, "p@ss"),
        ("redis://p%40ss@10.0.0.5:7000/3", nil, "p@ss"), ("redis://:a:b@10.0.0.5:7000/3", nil, "a:b"),
    ])
    func `user and password are what stands before the host`(text: String, user: String?, password: String) throws {
        let location = try RedisLocation(parsing: text)
        #expect(location.host == "10.0.0.5")
        #expect(location.port == 7000)
        #expect(location.database == 3)
        #expect(location.user == user)
        #expect(location.password == Secret(password))
        #expect(!"\(location)".contains(password))
        #expect(!ValueForm<RedisLocation>.redis.format(location).contains(password))
    }

    @Test func `an IPv6 address stands in brackets`() throws {
        let location = try RedisLocation(parsing: "redis://[::1]:6380/")
        #expect(location.host == "::1")
        #expect(location.port == 6380)
        #expect(ValueForm<RedisLocation>.redis.format(location) == "redis://[::1]:6380/0")
    }

    @Test(arguments: [
        "", "redis://", "redis://@h", "redis://h:0", "redis://h:x", "redis://h/x", "redis://h/-1", "redis://%4@h",
        "redis://%zz@h", "redis://[::1", "redis://[nonsense]", "http://h", "redis://a b",
    ])
    func `anything else is refused, without a word about the password`(text: String) {
        #expect(throws: InvalidValue.self) { try RedisLocation(parsing: text) }
        #expect(throws: InvalidValue.self) { try RedisLocation(parsing: text + "?hush-hush") }
    }
}
