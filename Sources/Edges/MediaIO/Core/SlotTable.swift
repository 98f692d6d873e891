/// A growing table of noncopyable values, addressed by slot: take a pointer, use it, forget it.
///
/// Elements are noncopyable state (peers, tracks) that is mutated in place through ``subscript(_:)``,
/// without reference counts or exclusivity checks. Slots are reused.
struct SlotTable<Element: ~Copyable>: ~Copyable {
    private var elements: UnsafeMutablePointer<Element>
    private var occupied: [Bool]
    private var free: [Int]
    private(set) var count = 0

    init(capacity: Int = 16) {
        elements = .allocate(capacity: capacity)
        occupied = Array(repeating: false, count: capacity)
        free = Array((0..<capacity).reversed())
    }

    deinit {
        for slot in occupied.indices where occupied[slot] { (elements + slot).deinitialize(count: 1) }
        elements.deallocate()
    }

    /// One past the highest slot in use or free.
    var capacity: Int { occupied.count }

    @inline(__always)
    func contains(_ slot: Int) -> Bool {
        slot >= 0 && slot < occupied.count && occupied[slot]
    }

    /// The element in `slot`, which must be occupied; valid until the next ``insert(_:)``.
    @inline(__always)
    subscript(slot: Int) -> UnsafeMutablePointer<Element> {
        assert(contains(slot), "slots are looked up before they are used")
        return elements + slot
    }

    /// The slot that the next ``insert(_:)`` will use.
    var nextSlot: Int { free.last ?? occupied.count }

    mutating func insert(_ element: consuming Element) -> Int {
        if free.isEmpty { grow() }
        let slot = free.removeLast()
        (elements + slot).initialize(to: element)
        occupied[slot] = true
        count += 1
        return slot
    }

    mutating func remove(_ slot: Int) -> Element {
        precondition(contains(slot), "a slot is emptied once")
        occupied[slot] = false
        free.append(slot)
        count -= 1
        return (elements + slot).move()
    }

    private mutating func grow() {
        let old = occupied.count
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: old * 2)
        for slot in 0..<old where occupied[slot] {
            (larger + slot).moveInitialize(from: elements + slot, count: 1)
        }
        elements.deallocate()
        elements = larger
        occupied.append(contentsOf: repeatElement(false, count: old))
        free.append(contentsOf: (old..<(old * 2)).reversed())
    }
}
