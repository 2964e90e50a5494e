/** CUDA's atomic operations as a kernel sees them. */
#pragma once

int atomicAdd(int* at, int value);
unsigned atomicAdd(unsigned* at, unsigned value);
unsigned long long atomicAdd(unsigned long long* at, unsigned long long value);
float atomicAdd(float* at, float value);
double atomicAdd(double* at, double value);
int atomicSub(int* at, int value);
unsigned atomicSub(unsigned* at, unsigned value);
int atomicMax(int* at, int value);
unsigned atomicMax(unsigned* at, unsigned value);
unsigned long long atomicMax(unsigned long long* at, unsigned long long value);
int atomicMin(int* at, int value);
unsigned atomicMin(unsigned* at, unsigned value);
unsigned long long atomicMin(unsigned long long* at, unsigned long long value);
int atomicAnd(int* at, int value);
unsigned atomicAnd(unsigned* at, unsigned value);
unsigned long long atomicAnd(unsigned long long* at, unsigned long long value);
int atomicOr(int* at, int value);
unsigned atomicOr(unsigned* at, unsigned value);
unsigned long long atomicOr(unsigned long long* at, unsigned long long value);
int atomicXor(int* at, int value);
unsigned atomicXor(unsigned* at, unsigned value);
int atomicExch(int* at, int value);
unsigned atomicExch(unsigned* at, unsigned value);
unsigned long long atomicExch(unsigned long long* at, unsigned long long value);
float atomicExch(float* at, float value);
int atomicCAS(int* at, int expected, int value);
unsigned atomicCAS(unsigned* at, unsigned expected, unsigned value);
unsigned long long atomicCAS(unsigned long long* at, unsigned long long expected, unsigned long long value);
unsigned atomicInc(unsigned* at, unsigned limit);
unsigned atomicDec(unsigned* at, unsigned limit);
