using System.IO.Compression;
using System.Runtime.InteropServices;
using AstStream.Model.Checkpoints;

namespace AstStream.Tests.Model;

public sealed class TorchFileTests : IDisposable
{
    private const int FuzzedInputs = 500_000; // of each reader

    private static readonly byte[] s_floats = MemoryMarshal.AsBytes<float>([1, 2, 3, 4]).ToArray();
    private readonly string _file = Path.GetTempFileName();

    public static TheoryData<byte[], string> Hostile => new()
    {
        { new PickleBytes().Global("os", "system").Text("touch /tmp/owned").Op(0x85).Op('R').Done(),
            "asks for os.system, which a state dict does not need; it was not loaded" },
        { new PickleBytes().Text("builtins").Text("eval").Op(0x93).Done(), "asks for builtins.eval" },
        { new PickleBytes().Global("numpy.core.multiarray", "scalar").Done(), "asks for numpy.core.multiarray.scalar" },
        { new PickleBytes().Global("torch._utils", "_rebuild_tensor_v2").Op(')').Op('R').Done(),
            "with other arguments than PyTorch writes" },
        { new PickleBytes().Op('}').Op(')').Op('R').Done(), "calls something that can't be called" },
        { new PickleBytes().Op('i').Done(), "opcode 0x69" },
        { new PickleBytes().Op('(').Op('0').Done(), "takes a value where there is none" },
        { new PickleBytes().Op('t').Done(), "goes back to a mark that is not there" },
        { new PickleBytes().Op('h', 7).Done(), "recalls value 7" },
        { new PickleBytes().Op('X', 0xff, 0xff, 0xff, 0xff).Done(), "ends where 4294967295 more bytes are needed" },
        { new PickleBytes().Op('}').Op('(').Op('N').Op('u').Done(), "an odd number of keys and values" },
        { new PickleBytes().Op(0x80, 9).Done(), "pickle protocol 9" },
        { new PickleBytes().Op('K', 1).Op('Q').Done(), "refers to something else than a storage" },
        { new PickleBytes().Op('}').Op('(').Text("a").Tensor("0", 4, 0, [4], [1]).Text("b").Tensor("0", 8, 0, [8], [1]).Op('u').Done(),
            "storage 0 is described in two ways" },
        { new PickleBytes().Op('}').Op('(').Text(new string('a', 2000)).Tensor("0", 4, 0, [4], [1]).Op('u').Done(),
            "a tensor's name has 2000 characters; expected at most 1000" },
        { new PickleBytes().Op('N').Done(), "holds no dictionary" },
        { new PickleBytes().Op('}').Done(), "holds no tensors by name" },
        { PickleBytes.OneTensor(count: int.MaxValue).Done(), "storage 0 has 16 bytes; expected 8589934588" },
        { PickleBytes.OneTensor(offset: 2).Done(), "reaches to element 5 of storage 0, which has 4" },
        { PickleBytes.OneTensor(offset: -1).Done(), "reaches to element" },
        { PickleBytes.OneTensor(size: [2, 2], stride: [1]).Done(), "2 dimensions with 1 strides" },
        { PickleBytes.OneTensor(size: [1 << 30, 1 << 30], stride: [0, 0]).Done(), "expected a sensible size" },
        { PickleBytes.OneTensor(size: [1 << 20], stride: [0]).Done(), "expected at least one element, and each in a place of its own" },
        { PickleBytes.OneTensor(size: [1 << 29, 0], stride: [1, 1]).Done(), "expected a sensible size" },
        { PickleBytes.OneTensor(size: [1, 1, 1, 1, 1, 1, 1, 1, 4], stride: [1, 1, 1, 1, 1, 1, 1, 1, 1]).Done(),
            "9 dimensions; expected at most 8" },
        { PickleBytes.OneTensor(stride: [-1]).Done(), "a shape or stride that is no whole number from 0" },
    };

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Read_OneTensor_GivesItsValues()
    {
        using var file = Open(PickleBytes.Zip(PickleBytes.OneTensor().Done(), entries: ("archive/data/0", s_floats)));
        Assert.Equal([1, 2, 3, 4], file.Read("w"));
        Assert.Equal([4], file.Tensors["w"].Shape);
    }

    [Fact]
    public void Read_TransposedView_GivesRowMajorValues()
    {
        using var file = Open(
            PickleBytes.Zip(PickleBytes.OneTensor(size: [2, 2], stride: [1, 2]).Done(), entries: ("archive/data/0", s_floats)));
        Assert.Equal([1, 3, 2, 4], file.Read("w"));
    }

    [Fact]
    public void Read_DoubleWeights_AreRounded()
    {
        using var file = Open(
            PickleBytes.Zip(
            PickleBytes.OneTensor(storage: "DoubleStorage").Done(),
            entries: ("archive/data/0", MemoryMarshal.AsBytes<double>([0.1, 2, 3, 4]).ToArray())));
        Assert.Equal(0.1f, file.Read("w")[0]);
    }

    [Fact]
    public void Read_StateDictInsideACheckpoint_IsFound()
    {
        var pickle = new PickleBytes().Op('}').Op('(')
            .Text("epoch").Op('K', 3).Text("state_dict").Op('}').Op('(').Text("w").Tensor("0", 4, 0, [4], [1]).Op('u').Op('u').Done();
        using var file = Open(PickleBytes.Zip(pickle, entries: ("archive/data/0", s_floats)));
        Assert.Equal([1, 2, 3, 4], file.Read("w"));
    }

    [Fact]
    public void Read_NaN_NamesTensorAndIndex()
    {
        using var file = Open(
            PickleBytes.Zip(
            PickleBytes.OneTensor().Done(), entries: ("archive/data/0", MemoryMarshal.AsBytes<float>([1, float.NaN, 3, 4]).ToArray())));
        var e = Assert.Throws<InvalidCheckpointException>(() => file.Read("w"));
        Assert.Contains("tensor w: NaN at index 1", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Open_HostilePickle_IsRefusedByName(byte[] pickle, string message) =>
        AssertFails(PickleBytes.Zip(pickle, entries: ("archive/data/0", s_floats)), message);

    [Fact]
    public void Open_CompressedStorage_IsNotBelieved() =>
        AssertFails(PickleBytes.Zip(
            PickleBytes.OneTensor(1 << 20, size: [1 << 20]).Done(), CompressionLevel.SmallestSize, ("archive/data/0", new byte[4 << 20])),
            "expected it stored as it is");

    /// <summary>A list that is kept once and made into a dictionary over and over: a few bytes each time.</summary>
    [Fact]
    public void Open_ListNamedAgainAndAgain_IsNotCopiedForEver()
    {
        var pickle = new PickleBytes().Op(']').Op('(');
        for (var i = 0; i < 1000; i++)
            pickle.Op('N').Op('N').Op(0x86);
        pickle.Op('e').Op('q', 1).Global("collections", "OrderedDict").Op('q', 2);
        for (var i = 0; i < 1000; i++)
            pickle.Op('h', 2).Op('h', 1).Op(0x85).Op('R').Op('0');
        AssertFails(PickleBytes.Zip(pickle.Op('0').Op('0').Op('}').Done()), "makes more of its lists than it is long");
    }

    [Fact]
    public void Open_WrongChecksum_SaysThatItIsDamaged()
    {
        var bytes = PickleBytes.Zip(PickleBytes.OneTensor().Done(), entries: ("archive/data/0", s_floats));
        bytes[bytes.AsSpan().IndexOf(s_floats) + 3] ^= 1;
        using var file = Open(bytes);
        var e = Assert.Throws<InvalidCheckpointException>(() => file.Read("w"));
        Assert.Contains(
            "entry archive/data/0: its checksum is not the one that the file says; it is damaged", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingStorage_SaysWhich() =>
        AssertFails(PickleBytes.Zip(PickleBytes.OneTensor().Done()), "has no entry archive/data/0; is it whole?");

    [Fact]
    public void Open_BigEndian_IsRefused() =>
        AssertFails(PickleBytes.Zip(
            PickleBytes.OneTensor().Done(), entries: [("archive/data/0", s_floats), ("archive/byteorder", "big"u8.ToArray())]),
            "big-endian");

    [Fact]
    public void Open_OtherFiles_AreRefused()
    {
        AssertFails([], "is empty, or no regular file");
        AssertFails("hello, world"u8.ToArray(), "is neither a zip nor a pickle");
        AssertFails(new PickleBytes().Op('N').Done(), "is a pickle, but none that torch.save writes");
        AssertFails(PickleBytes.Zip([], entries: ("other/data.pkl", [])), "2 entries named data.pkl");
    }

    [Fact]
    public void Open_LegacyFileCutAnywhere_GivesOneKindOfError()
    {
        var whole = File.ReadAllBytes(Path.Combine(Reference.Folder, "ast-small-16x16-t256.original-legacy.pth"));
        for (var length = 0; length < whole.Length; length += 97 + (length / 50))
        {
            File.WriteAllBytes(_file, whole[..length]);
            Assert.Throws<InvalidCheckpointException>(() => new TorchFile(_file).Dispose());
        }
    }

    [Fact]
    public void Open_ZipCutAnywhere_GivesOneKindOfError()
    {
        var whole = File.ReadAllBytes(Path.Combine(Reference.Folder, "ast-small-16x16-t256.pytorch_model.bin"));
        for (var length = 0; length < whole.Length; length += 997)
        {
            File.WriteAllBytes(_file, whole[..length]);
            Assert.Throws<InvalidCheckpointException>(() => new TorchFile(_file).Dispose());
        }
    }

    [Fact]
    public void Open_ZipWithDamagedDirectory_OpensOrGivesOneKindOfError()
    {
        var whole = PickleBytes.Zip(PickleBytes.OneTensor().Done(), entries: ("archive/data/0", s_floats));
        var random = new Random(7);
        for (var i = 0; i < 3000; i++)
        {
            var bytes = whole.ToArray();
            for (var k = random.Next(1, 4); k > 0; k--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_file, bytes);
            try
            {
                using var file = new TorchFile(_file);
                foreach (var name in file.Tensors.Keys)
                    file.Read(name);
            }
            catch (InvalidCheckpointException)
            {
            }
        }
    }

    [Fact]
    public void Load_DamagedPickles_GiveOneKindOfErrorAndLittleMemory() => Fuzz(
        [PickleBytes.OneTensor().Done(), PickleBytes.OneTensor(size: [2, 2], stride: [2, 1]).Op('q', 1).Op('h', 1).Op('0').Done()],
        bytes =>
        {
            try
            {
                Unpickler.Load(bytes, out _);
            }
            catch (PickleException)
            {
            }
        });

    [Fact]
    public void Parse_DamagedSafetensorsHeaders_GiveOneKindOfErrorAndLittleMemory() => Fuzz(
        ["""{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F16","shape":[],"data_offsets":[16,18]}}"""u8.ToArray(), """{"__metadata__":{"format":"pt"}}"""u8.ToArray()],
        bytes =>
        {
            try
            {
                SafetensorsFile.Parse(bytes, 18);
            }
            catch (FormatException)
            {
            }
        });

    /// <summary>Mutated and random short inputs, on all cores; each one may allocate no more than a small multiple of its length.</summary>
    private static void Fuzz(byte[][] seeds, Action<byte[]> read)
    {
        const int most = 64 << 10; // bytes for an input of about a hundred
        for (var length = 0; length <= seeds[0].Length; length++)
            read(seeds[0][..length]); // the runtime loads its texts for errors once; they are no input's
        Parallel.For(0, 100, part =>
        {
            var random = new Random(part);
            for (var i = 0; i < FuzzedInputs / 100; i++)
            {
                var bytes = random.Next(10) == 0 ? new byte[random.Next(60)] : seeds[random.Next(seeds.Length)].ToArray();
                if (bytes.Length < 60)
                    random.NextBytes(bytes);
                for (var k = random.Next(1, 6); k > 0 && bytes.Length > 0; k--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                bytes = bytes[..(random.Next(5) == 0 ? random.Next(bytes.Length + 1) : bytes.Length)];
                var before = GC.GetAllocatedBytesForCurrentThread();
                read(bytes);
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
            }
        });
    }

    private TorchFile Open(byte[] bytes)
    {
        File.WriteAllBytes(_file, bytes);
        return new TorchFile(_file);
    }

    private void AssertFails(byte[] bytes, string message)
    {
        var e = Assert.Throws<InvalidCheckpointException>(() => Open(bytes).Dispose());
        Assert.StartsWith(_file, e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }
}
