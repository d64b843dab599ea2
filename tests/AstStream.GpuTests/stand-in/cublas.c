#include "stand-in.h"
#include <stdlib.h>

static int product(int m, int n, int k, int batch, int type) {
    standin_note("PRODUCT %d %d %d batch %d type %d", m, n, k, batch, type);
    return standin_fails("cublas") ? LAUNCH_FAILURE : SUCCESS;
}

int cublasCreate_v2(void **handle) { *handle = calloc(1, 64); return SUCCESS; }
int cublasDestroy_v2(void *handle) { free(handle); return SUCCESS; }
NOTHING(cublasSetStream_v2)
int cublasSetMathMode(void *handle, int mode) { standin_note("MATHMODE %d", mode); return SUCCESS; }
int cublasGetMathMode(void *handle, int *mode) { *mode = 0; return SUCCESS; }
const char *cublasGetStatusName(int status) { return "status"; }
const char *cublasGetStatusString(int status) { return "made to fail"; }
int cublasGemmEx(void *h, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int type) { return product(m, n, k, 1, type); }
int cublasGemmStridedBatchedEx(void *h, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int type, int lda,
    long long stride_a, const void *b, int type_b, int ldb, long long stride_b, const void *beta, void *c, int type_c, int ldc,
    long long stride_c, int batch) { return product(m, n, k, batch, type); }
int cublasGemmBatchedEx(void *h, int ta, int tb, int m, int n, int k) { return product(m, n, k, -1, -1); }
int cublasSgemm_v2(void *h, int ta, int tb, int m, int n, int k) { return product(m, n, k, 1, 0); }
int cublasSgemmStridedBatched(void *h, int ta, int tb, int m, int n, int k) { return product(m, n, k, -1, 0); }
int cublasSgeam(void *h, int ta, int tb, int m, int n) { standin_note("TRANSPOSE %d %d", m, n); return SUCCESS; }
UNEXPECTED(cublasDgeam) UNEXPECTED(cublasDgemmBatched) UNEXPECTED(cublasDgemmStridedBatched) UNEXPECTED(cublasDgemm_v2)
UNEXPECTED(cublasDgetrfBatched) UNEXPECTED(cublasDgetriBatched) UNEXPECTED(cublasScopy_v2) 
UNEXPECTED(cublasSgemmBatched) UNEXPECTED(cublasSgetrfBatched) UNEXPECTED(cublasSgetriBatched) UNEXPECTED(cublasSscal_v2)

/* cublasLt: for products of eight bits, which no graph has yet. */
int cublasLtCreate(void **handle) { *handle = calloc(1, 64); return SUCCESS; }
int cublasLtDestroy(void *handle) { free(handle); return SUCCESS; }
UNEXPECTED(cublasLtMatmul) UNEXPECTED(cublasLtMatmulAlgoConfigSetAttribute) UNEXPECTED(cublasLtMatmulAlgoGetHeuristic)
UNEXPECTED(cublasLtMatmulAlgoInit) UNEXPECTED(cublasLtMatmulDescCreate) UNEXPECTED(cublasLtMatmulDescDestroy)
UNEXPECTED(cublasLtMatmulDescSetAttribute) UNEXPECTED(cublasLtMatmulPreferenceCreate) UNEXPECTED(cublasLtMatmulPreferenceDestroy)
UNEXPECTED(cublasLtMatmulPreferenceSetAttribute) UNEXPECTED(cublasLtMatrixLayoutCreate) UNEXPECTED(cublasLtMatrixLayoutDestroy)
UNEXPECTED(cublasLtMatrixLayoutSetAttribute) UNEXPECTED(cublasLtMatrixTransform) UNEXPECTED(cublasLtMatrixTransformDescCreate)
UNEXPECTED(cublasLtMatrixTransformDescDestroy)
