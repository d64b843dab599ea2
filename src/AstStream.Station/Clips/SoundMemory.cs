namespace AstStream.Station.Clips;

/// <summary>Memory for the last sound of all streams, in blocks, up to a limit. Safe for many threads.</summary>
/// <param name="limit">The most bytes, rounded down to whole slabs of a megabyte, at least one.</param>
internal sealed class SoundMemory(long limit)
{
    /// <summary>The bytes of a block.</summary>
    public const int BlockBytes = 1024;

    private const int SlabBlocks = 1024;

    private readonly Lock _lock = new();
    private readonly byte[]?[] _slabs = new byte[Math.Max(1, limit / (BlockBytes * SlabBlocks))][];
    private readonly Stack<int> _free = [];
    private int _made; // slabs

    /// <summary>Bytes that are in use.</summary>
    public long Used
    {
        get
        {
            lock (_lock)
                return (((long)_made * SlabBlocks) - _free.Count) * BlockBytes;
        }
    }

    /// <summary>Takes as many blocks as there is room for; false where there are not so many, and none is taken.</summary>
    public bool TryRent(Span<int> blocks)
    {
        lock (_lock)
        {
            while (_free.Count < blocks.Length && _made < _slabs.Length)
            {
                _slabs[_made] = GC.AllocateUninitializedArray<byte>(SlabBlocks * BlockBytes);
                for (var i = SlabBlocks - 1; i >= 0; i--)
                    _free.Push((_made * SlabBlocks) + i);
                _made++;
            }

            if (_free.Count < blocks.Length)
                return false;
            foreach (ref var block in blocks)
                block = _free.Pop();
            return true;
        }
    }

    /// <summary>Gives blocks back.</summary>
    public void Return(ReadOnlySpan<int> blocks)
    {
        lock (_lock)
        {
            foreach (var block in blocks)
                _free.Push(block);
        }
    }

    /// <summary>The bytes of a block, which is its renter's alone.</summary>
    public Span<byte> Of(int block) => _slabs[block / SlabBlocks].AsSpan(block % SlabBlocks * BlockBytes, BlockBytes);
}
